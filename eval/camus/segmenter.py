"""Fine-tune the shipped segmenter `segmenter-phantom` on real hearts: CAMUS' Good training patients.

    python -m eval camus_segmenter [--out runs/segmenter-camus]

The anatomy loss of echogan-camus uses the result. The generators train on the same patients, as they are or degraded.
Patients of the test, of the selection and of the frozen segmenter are left out. The result is not shipped. Without
CAMUS beside the project nothing is trained.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter, save_segmenter
from echogan.model.networks.segmenter import Segmenter, Structure
from echogan.training.segmenter.data import IGNORED, Frames
from eval.camus.splits import Role
from eval.camus.stills import STRUCTURES, stills
from eval.camus.tensors import fit, tensors
from eval.command import begin
from eval.paths import CAMUS

ROLES: tuple[Role, ...] = ("generator", "semireal")
OTHERS = [Structure.OTHER, Structure.RV, Structure.RA]  # all of these are background in CAMUS


@dataclass(frozen=True)
class CamusSegmenterSettings:
    """How the segmenter is trained, and where it goes."""

    steps: int = field(default=800, metadata={"help": "training steps"})
    batch_size: int = field(default=8, metadata={"help": "stills per step"})
    size: int = field(default=128, metadata={"help": "longer side of the stills in pixels"})
    learning_rate: float = field(default=7e-4, metadata={"help": "learning rate of AdamW at the start"})
    seed: int = field(default=5, metadata={"help": "seed of the order of stills"})
    data: Path = field(default=CAMUS, metadata={"help": "CAMUS' folder"})
    out: Path = field(default=Path("runs/segmenter-camus"), metadata={"help": "folder to write"})


def main(settings: CamusSegmenterSettings) -> None:
    """Train and save."""
    if not (settings.data / "index.csv").is_file():
        print(f"No CAMUS stills in {settings.data}: the segmenter is not trained.")
        return
    torch.set_num_threads(1)
    images = [still for role in ROLES for still in stills(settings.data, role, "Good")]
    base = load_segmenter("segmenter-phantom")
    network = train(base.network, tensors(images, settings.size), settings)
    seen = {"CAMUS": "Good, roles generator and semireal of eval/camus/splits/camus.csv", "from": base.sha256}
    training = {"steps": settings.steps, "batch_size": settings.batch_size, "seed": settings.seed}
    config = replace(base.config, name="segmenter-camus", license="CC BY-NC-SA 4.0",
                     trained_on={**base.config.trained_on, **seen}, training=training)  # fmt: skip
    save_segmenter(settings.out, network, config)
    print(f"{settings.out}: {len(images)} stills, {settings.steps} steps")


def train(network: Segmenter, data: Frames, settings: CamusSegmenterSettings) -> Segmenter:
    """The network, trained on these stills."""
    network.requires_grad_(True).train()
    fit(network, data, segmenter_loss, settings, print)
    return network.eval()


def segmenter_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy plus one minus the soft Dice of CAMUS' structures; logits (n, 6, h, w) over `Structure`.

    The right heart counts as background, as in CAMUS' outlines: the network may still separate it from the rest.
    """
    background = torch.logsumexp(logits[:, OTHERS], 1, keepdim=True)
    four = torch.cat([background, logits[:, 1 : len(STRUCTURES) + 1]], 1)
    known = (classes != IGNORED)[:, None]
    wanted = F.one_hot(classes.clamp_max(len(STRUCTURES)), len(STRUCTURES) + 1).movedim(3, 1) * known
    shown = four.softmax(1) * known
    overlap = (2 * (shown * wanted).sum((0, 2, 3)) + 1) / ((shown + wanted).sum((0, 2, 3)) + 1)
    return F.cross_entropy(four, classes, ignore_index=IGNORED) + 1 - overlap[1:].mean()


if __name__ == "__main__":
    begin(main, CamusSegmenterSettings)
