"""Frames per second and cost of training: ours beside the reference CycleGAN, and the whole way of a real clip.

`python -m eval speed` prints the table and writes eval/results/speed.json; `--training-only` renews the cost of a
training step in it and leaves the rest. Ours and the reference run in turn, pair by pair, so that a busy machine
slows both: the ratio is the median over pairs.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from echogan.clips.files import open_clip
from echogan.core.version import __version__
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.model.checkpoints.checkpoint import DEFAULT, Checkpoint
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.cyclegan import Batch, CycleGAN, LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.frames import centre
from echogan.model.networks.generators import GeneratorConfig, build_generator
from eval.paths import RESULTS

RESULT = RESULTS / "speed.json"
REFERENCE = GeneratorConfig(kind="resnet", channels=64, blocks=9, image_channels=3)
SIZE = 256
WANTED = 10  # times as many CPU-seconds as ours must a training step of the reference cost
OUR_STEPS = 4  # per step of the reference: one alone is short for a clock
Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")


def timed(generator: torch.nn.Module, frame: torch.Tensor, passes: int) -> float:
    """Seconds for one frame, the mean of `passes` in a row."""
    began = time.perf_counter()
    for _ in range(passes):
        generator(frame)
    if frame.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / passes


def compare(
    ours: torch.nn.Module, reference: torch.nn.Module, device: str, pairs: int, passes: int, frames: int = 1
) -> dict:
    """Both generators at 256 x 256, batch 1, float32, in turn on one device; ours sees so many frames."""
    ours, reference = ours.to(device), reference.to(device)
    seen = torch.rand(1, frames, SIZE, SIZE, device=device) * 2 - 1
    frame = centre(seen)
    with torch.inference_mode():
        timed(ours, seen, 2)  # warm up
        timed(reference, frame, 2)
        times = [(timed(ours, seen, passes), timed(reference, frame, passes)) for _ in range(pairs)]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "ours_fps": 1 / mine,
        "reference_fps": 1 / theirs,
        "ratio": statistics.median(b / a for a, b in times),
        "ratio_least": min(b / a for a, b in times),
        "pairs": pairs,
        "passes_per_pair": passes,
    }


def whole_way(clip: Path, checkpoint: Checkpoint, device: Device, runs: int = 3) -> dict:
    """`enhance_file` from the file to an MP4, a report and arrays: the median of `runs`, and its parts."""
    timings = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        outputs = Outputs(clips=[out / "a.mp4"], arrays=out / "a.npz", report=out / "a.json")
        for _ in range(runs):
            timings.append(enhance_file(clip, outputs, checkpoint, EnhanceSettings(device=device)).timing)
    middle = sorted(timings, key=lambda timing: timing["frames_per_s"])[runs // 2]
    facts = open_clip(clip)
    return {
        "clip": clip.name,
        "frames": facts.frames,
        "size": [facts.width, facts.height],
        **middle,
    }


class Trainee:
    """Four networks, their losses and both optimisers, as the trainer drives them, on random frames."""

    def __init__(self, generator: GeneratorConfig, discriminator: DiscriminatorConfig, weights: LossWeights):
        self.settings = {
            part: dataclasses.asdict(settings)
            for part, settings in (
                ("generator", generator),
                ("discriminator", discriminator),
                ("loss", weights),
            )
        }
        self.gan = CycleGAN(generator, discriminator, weights)
        networks = self.gan.generator_parameters(), self.gan.discriminator_parameters()
        self.generator_adam, self.discriminator_adam = (
            torch.optim.Adam(p, 2e-4, (0.5, 0.999)) for p in networks
        )

    def step(self, size: int = SIZE) -> None:
        """One frame of each domain: both generators, then both discriminators."""
        low, high = (torch.rand(1, 1, size, size) * 2 - 1 for _ in range(2))
        batch = Batch(low, high, torch.ones_like(low), torch.ones_like(high))
        losses, fakes = self.gan.generator_losses(batch)
        self._descend(losses["generators"], self.generator_adam)
        assert fakes is not None, "the losses timed have an adversarial term"
        self._descend(self.gan.discriminator_losses(batch, fakes)["discriminators"], self.discriminator_adam)

    def cpu_seconds(self, steps: int) -> float:
        """Of one step, the mean of `steps` in a row; seconds of all threads together."""
        began = time.process_time()
        for _ in range(steps):
            self.step()
        return (time.process_time() - began) / steps

    @staticmethod
    def _descend(loss: torch.Tensor, adam: torch.optim.Optimizer) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()


def reference_trainee() -> Trainee:
    """The CycleGAN authors' defaults: ResNet-9, 70 x 70 PatchGAN, LSGAN, cycle 10, identity 5, no noise.

    Their discriminator sees three channels and ours one, which makes this reference a little cheaper than theirs.
    """
    discriminator = DiscriminatorConfig(filters=64, norm="instance", kind="patch70")
    return Trainee(REFERENCE, discriminator, LossWeights(adversarial=1, cycle=10, identity=5, cycle_noise=0))


def compare_training(pairs: int = 2) -> dict:
    """CPU-seconds of a default training step at 256 x 256, batch 1, ours and the reference's, on one thread."""
    ours = Trainee(GeneratorConfig(), DiscriminatorConfig(), LossWeights())
    reference = reference_trainee()
    for trainee in (ours, reference):
        trainee.step(64)  # the optimisers' memory is made
    ours.step()
    times = [(ours.cpu_seconds(OUR_STEPS), reference.cpu_seconds(1)) for _ in range(pairs)]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "ours_cpu_s": round(mine, 3),
        "reference_cpu_s": round(theirs, 3),
        "ratio": round(statistics.median(b / a for a, b in times), 2),
        "ratio_least": round(min(b / a for a, b in times), 2),
        "wanted_ratio": WANTED,
        "pairs": pairs,
        "our_steps_per_pair": OUR_STEPS,
        "size": SIZE,
        "batch": 1,
        "ours": ours.settings,
        "reference": reference.settings,
        **machine(),
    }


def machine() -> dict:
    """What runs the networks."""
    return {
        "version": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
    }


def environment(checkpoint: Checkpoint) -> dict:
    """What the numbers were measured with."""
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    model = {"name": checkpoint.name, "sha256": checkpoint.sha256}
    return machine() | {"model": model, "cuda": cuda}


def processor_name() -> str:
    """The processor's name where Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())


def training(say: Callable[[str], None] = print) -> dict:
    """The cost of a training step, and a line about it."""
    torch.set_num_threads(1)
    found = compare_training()
    say(
        f"training step: ours {found['ours_cpu_s']:.2f} CPU-s, reference {found['reference_cpu_s']:.2f} CPU-s, "
        f"ratio {found['ratio']:.1f}, at least {found['ratio_least']:.1f} (wanted: at least {WANTED})"
    )
    return {"training_step": found}


def measure(model: str, clip: Path | None, pairs: int, say: Callable[[str], None] = print) -> dict:
    """All numbers but those of training, as written to the JSON; "not measured" where there is no CUDA or no clip."""
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(model)
    reference = build_generator(REFERENCE).eval()
    result: dict = environment(checkpoint) | {"size": SIZE, "batch": 1}
    for device in DEVICES:
        if device == "cuda" and not torch.cuda.is_available():
            result[device] = result[f"enhance_{device}"] = "not measured"
            say(f"{device}: not measured")
            continue
        passes = 1 if device == "cpu" else 50
        frames = checkpoint.config.generator.frames
        numbers = compare(checkpoint.to_high, reference, device, pairs, passes, frames)
        result[device] = {name: round(value, 3) for name, value in numbers.items()}
        say(
            f"{device}: ours {numbers['ours_fps']:.2f} frames/s, reference {numbers['reference_fps']:.2f}, "
            f"ratio {numbers['ratio']:.1f}"
        )
        checkpoint.to_high.to("cpu")
        way = whole_way(clip, checkpoint, device) if clip else "not measured"
        result[f"enhance_{device}"] = way
        say(f"enhance on {device}: {way['frames_per_s'] if isinstance(way, dict) else way} frames/s")
    return result


def example_clip() -> Path | None:
    """The real cine that lies in pydicom's package; None where it is not installed."""
    package = importlib.util.find_spec("pydicom")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / "test_files" / "examples_ybr_color.dcm"
    return path if path.exists() else None


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--clip", type=Path, default=None, help="the clip of the whole way (pydicom's cine)")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument(
        "--training-only", action="store_true", help="renew the cost of a training step alone"
    )
    given = parser.parse_args()
    if given.training_only:
        result = json.loads(given.out.read_text()) if given.out.exists() else {}
    else:
        result = measure(given.model, given.clip or example_clip(), given.pairs)
    result |= training()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
