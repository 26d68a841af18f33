"""The folder of the browser demo: the page, the exported network, what the page is to know of it, and the runtime."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from echogan.core import grey_curve
from echogan.core.atomic import moving_into, output_errors
from echogan.core.errors import OutputError, SettingsError
from echogan.core.notice import IN_FULL, NOTICE
from echogan.enhance.backends.onnx_file import INPUT, OUTPUT, export
from echogan.enhance.caution import SUSPECTED
from echogan.enhance.keep_walls import SOFT
from echogan.enhance.put_back import BLACK_LEVEL, BLACK_SIGMA, CLEAR, HAZY
from echogan.enhance.working_space import MULTIPLE, SMALLEST
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.model.checkpoints.segmenter_checkpoint import WALLS, load_segmenter
from echogan.model.networks.frames import FASTEST_MS, FRAME_MS, OFFSETS_MS
from echogan.model.networks.segmenter import MULTIPLE as SEGMENTER_MULTIPLE
from echogan.model.networks.segmenter import Segmenter, Wall
from echogan.trust.evidence import FAR, LEAST_RANGE, RANGE, WIDE
from echogan.trust.fusion import bundled_fusion
from echogan.trust.maps.smoothing import SPECKLE

PAGE = Path(__file__).parent
SHOWN = (".html", ".css", ".js", ".svg")
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
RUNTIME_VERSION = "1.30.0"  # of onnxruntime-web, the one that was tried
MODEL, WALLS_MODEL = "to_high.onnx", "walls.onnx"


def assemble(folder: Path, checkpoint: Checkpoint, runtime: Path) -> list[Path]:
    """Write the demo's files into `folder`, made where it is missing; returns their paths.

    runtime   the unpacked package onnxruntime-web, or its folder `dist`

    Raises SettingsError where the runtime's files or the library onnx are missing, and OutputError.
    """
    found = runtime / "dist" if (runtime / "dist").is_dir() else runtime
    if missing := [name for name in RUNTIME if not (found / name).is_file()]:
        raise SettingsError(
            f"{runtime} lacks {', '.join(missing)}. Give the unpacked package onnxruntime-web {RUNTIME_VERSION}."
        )
    if find_spec("onnx") is None:
        raise SettingsError("The export of the network needs the library onnx: pip install onnx")
    pages = [path for path in sorted(PAGE.iterdir()) if path.suffix in SHOWN]
    sources = [*pages, *(found / name for name in RUNTIME)]
    made = {
        MODEL: export(checkpoint.to_high, checkpoint.config.generator.frames),
        "model.json": json.dumps(model_facts(checkpoint), indent=2).encode(),
    }
    if checkpoint.config.keep_walls:
        made[WALLS_MODEL] = export(HiddenWall(load_segmenter(WALLS, "walls").network), 1)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with moving_into(folder) as part:
            for source in sources:
                shutil.copyfile(source, part / source.name)
            for name, data in made.items():
                (part / name).write_bytes(data)
    return [folder / name for name in (*(source.name for source in sources), *made)]


def model_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the page's scripts take from the program, so that no number stands in both, as JSON."""
    config, network = checkpoint.config, checkpoint.to_high
    return {
        "file": MODEL,
        "input": INPUT,
        "output": OUTPUT,
        "name": checkpoint.name,
        "sha256": checkpoint.sha256,
        "licence": config.license,
        "notice": IN_FULL,
        "mark": NOTICE.lower(),
        "offsets_ms": OFFSETS_MS[config.generator.frames],
        "frame_ms": FRAME_MS,
        "fastest_ms": FASTEST_MS,
        "gain": config.gain,
        "haze_gain": config.haze_gain,
        "clear": CLEAR,
        "hazy": HAZY,
        "caution": caution_facts(config.caution) if config.caution else None,
        "keep_walls": walls_facts(config.keep_walls) if config.keep_walls else None,
        "working_size": config.working_size,
        "multiple": math.lcm(MULTIPLE, getattr(network, "size_multiple", MULTIPLE)),
        "smallest": SMALLEST,
        "black_level": BLACK_LEVEL,
        "black_sigma": BLACK_SIGMA,
        "canonical_grey": config.canonical_grey,
        "curve": {
            "reference": grey_curve.REFERENCE,
            "visible": grey_curve.VISIBLE,
            "echo": grey_curve.ECHO,
            "strongest": grey_curve.STRONGEST,
            "toe": grey_curve.TOE,
            "dark": grey_curve.DARK,
            "dark_level": config.dark_level,
            "strongest_lifted": grey_curve.STRONGEST_LIFTED,
        },
    }


class HiddenWall(nn.Module):
    """The probability of a hidden wall, of frames that have the walls' network's own size already."""

    def __init__(self, network: Segmenter):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Grey (N, 1, h, w) in [-1, 1], h and w multiples of MULTIPLE, to (N, 1, h, w) in [0, 1]."""
        return self.network.logits(x).softmax(1)[:, Wall.HIDDEN : Wall.HIDDEN + 1]


def walls_facts(share: float) -> dict[str, Any]:
    """What keeping walls needs: its network, the size at which that sees frames, and how wide its map is smoothed."""
    return {
        "share": share,
        "file": WALLS_MODEL,
        "working_size": load_segmenter(WALLS, "walls").config.working_size,
        "multiple": SEGMENTER_MULTIPLE,
        "soft": SOFT,
    }


def caution_facts(share: float) -> dict[str, Any]:
    """What caution needs: its own numbers, those of the evidence, and the weights of the fusion."""
    begins, complete = SUSPECTED
    fusion = bundled_fusion()
    weights = {"mean": fusion.mean, "scale": fusion.scale, "hidden": fusion.hidden, "out": fusion.out}
    return {
        "share": share,
        "begins": begins,
        "complete": complete,
        "speckle": SPECKLE,
        "wide": WIDE,
        "far": FAR,
        "range": RANGE,
        "least_range": LEAST_RANGE,
        "limits": fusion.limits.tolist(),
        **{name: array.tolist() for name, array in weights.items()},
    }


@contextmanager
def fetched_runtime() -> Iterator[Path]:
    """The package onnxruntime-web as npm fetches it, for as long as the block lasts; none of its scripts is run.

    Raises OutputError where npm is missing or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"onnxruntime-web@{RUNTIME_VERSION}"
        command = [
            "npm",
            "install",
            "--ignore-scripts",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--prefix",
            folder,
        ]
        try:
            subprocess.run([*command, wanted], check=True, capture_output=True, timeout=600)
        except (OSError, subprocess.SubprocessError) as error:
            raise OutputError(
                f"npm could not fetch {wanted} ({type(error).__name__}). Fetch it yourself, and give its folder with "
                "--runtime."
            ) from None
        yield Path(folder, "node_modules", "onnxruntime-web")
