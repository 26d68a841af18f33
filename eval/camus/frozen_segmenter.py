"""The frozen segmenter of the segmentation evaluation: trained on good CAMUS stills only, never on enhanced frames.

It is a residual network with atrous convolutions (Yu et al., CVPR 2017; Chen et al., ECCV 2018). It differs from the
shipped segmenter in architecture, data and training. It is trained from its seed if it is missing, kept in an ignored
folder and never shipped. It takes no part in losses, in choices or in the trust maps: only the evaluations
`segmentation`, `retrained_segmenter` and `selection` import this module, and `selection` uses another seed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from echogan.core.atomic import replacing
from echogan.core.errors import EchoGANError
from eval.camus.splits import split_hash
from eval.camus.stills import STRUCTURES, Still, view_stills
from eval.camus.tensors import fit, tensor, tensors, to_square
from eval.camus.two_chamber import VIEWS, list_hash
from eval.command import begin
from eval.paths import CAMUS, RUNS

FOLDER = RUNS / "frozen-segmenter"
CLASSES = len(STRUCTURES) + 1


@dataclass(frozen=True)
class FrozenSegmenterSettings:
    """How it is trained. The values were fixed before its first use; another value makes another network."""

    size: int = field(default=128, metadata={"help": "longer side of the input in pixels"})
    width: int = field(default=48, metadata={"help": "channels"})
    steps: int = field(default=1000, metadata={"help": "training steps"})
    batch_size: int = field(default=8, metadata={"help": "stills per step"})
    learning_rate: float = field(default=1e-3, metadata={"help": "learning rate of AdamW at the start"})
    seed: int = field(default=0, metadata={"help": "seed of the weights and of the order of stills"})


class Residual(nn.Module):
    """Two 3 x 3 convolutions, the first one atrous, added to their input."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norms[0](self.first(x)), inplace=True)
        return F.relu(x + self.norms[1](self.second(inner)))


class AtrousSegmenter(nn.Module):
    """Residual blocks of growing dilation at quarter size, and a decoder with a skip connection at half size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.stem = nn.Sequential(nn.Conv2d(1, half, 5, 2, 2, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.down = nn.Sequential(
            nn.Conv2d(half, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.blocks = nn.Sequential(*(Residual(width, d) for d in (1, 2, 4, 8, 2)))
        self.whole = nn.Linear(width, width)  # global context of the frame
        self.fuse = nn.Sequential(
            nn.Conv2d(width + half, half, 3, padding=1, bias=False), nn.BatchNorm2d(half), nn.ReLU()
        )
        self.head = nn.Conv2d(half, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Grey (n, 1, h, w) in [-1, 1], multiples of 4, to logits (n, 4, h, w)."""
        fine = self.stem(x)
        coarse = self.blocks(self.down(fine))
        coarse = coarse + self.whole(coarse.mean((2, 3)))[:, :, None, None]
        coarse = F.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=False)
        logits = self.head(self.fuse(torch.cat([fine, coarse], 1)))
        return F.interpolate(logits, x.shape[-2:], mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class FrozenSegmenter:
    """A trained segmenter, and the sha256 of its weights."""

    network: AtrousSegmenter
    settings: FrozenSegmenterSettings
    sha256: str

    def __call__(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """CAMUS' labels, uint8, for each uint8 (h, w) image."""
        out = []
        with torch.inference_mode():
            for image in images:
                small, (height, width) = to_square(image, self.settings.size)
                logits = self.network(tensor(small)[None])[..., :height, :width]
                full = F.interpolate(logits, image.shape, mode="bilinear", align_corners=False)
                out.append(full.argmax(1)[0].byte().numpy())
        return out


def frozen_segmenter(
    data: Path, settings: FrozenSegmenterSettings | None = None, say: Callable[[str], None] = print
) -> FrozenSegmenter:
    """The segmenter of these settings and of the committed split. It is trained first if it is missing."""

    def good() -> list[Still]:
        return [still for view in VIEWS for still in view_stills(data, view, "frozen-segmenter", "Good")]

    return train_frozen_segmenter(good, {"stills": "as they are"}, settings, say)


def train_frozen_segmenter(
    images: Callable[[], Sequence[Still]],
    data_facts: dict[str, str],
    settings: FrozenSegmenterSettings | None = None,
    say: Callable[[str], None] = print,
) -> FrozenSegmenter:
    """The segmenter trained on `images`, which are made only if it is missing; it is kept in FOLDER.

    `data_facts` says what the images are, beside the split. It is part of the file's key.
    """
    settings = settings or FrozenSegmenterSettings()
    made_of = {"settings": asdict(settings), "split": [split_hash(), list_hash()], **data_facts}
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
    path = FOLDER / f"frozen-segmenter-{key}.safetensors"
    network = AtrousSegmenter(settings.width)
    if not path.is_file():
        shown = images()
        say(f"training the frozen segmenter on {len(shown)} stills of Good patients")
        save_network(train(shown, settings, say), path)
    network.load_state_dict(load_file(path))
    network.eval().requires_grad_(False)
    return FrozenSegmenter(network, settings, hashlib.sha256(path.read_bytes()).hexdigest())


def save_network(network: nn.Module, path: Path) -> None:
    """Write the weights; an interrupted write leaves no file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        save_file({k: t.contiguous() for k, t in network.state_dict().items()}, part)


def train(
    images: Sequence[Still], settings: FrozenSegmenterSettings, say: Callable[[str], None]
) -> AtrousSegmenter:
    """Train with cross-entropy and soft Dice, with random affine and grey-level augmentation."""
    data = tensors(images, settings.size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = AtrousSegmenter(settings.width)
    fit(network, data, segmentation_loss, settings, lambda text: say(f"frozen segmenter: {text}"))
    return network


def segmentation_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy plus one minus the soft Dice of the three structures over the batch."""
    wanted = F.one_hot(classes, CLASSES).movedim(3, 1)
    shown = logits.softmax(1)
    overlap = (2 * (shown * wanted).sum((0, 2, 3)) + 1) / ((shown + wanted).sum((0, 2, 3)) + 1)
    return F.cross_entropy(logits, classes) + 1 - overlap[1:].mean()


@dataclass(frozen=True)
class FrozenSegmenterCommand:
    """Train the frozen segmenter if it is missing."""

    data: Path = CAMUS
    """CAMUS' folder"""


def main(command: FrozenSegmenterCommand) -> None:
    """Train the frozen segmenter if it is missing, and print its hash. Raises EchoGANError without CAMUS."""
    if not (command.data / "index.csv").is_file():
        raise EchoGANError(f"There are no CAMUS stills in {command.data}; give CAMUS' folder with --data.")
    print(frozen_segmenter(command.data).sha256)


if __name__ == "__main__":
    begin(main, FrozenSegmenterCommand)
