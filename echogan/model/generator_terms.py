"""The terms of the generators' objective: what each one counts, how it is computed, and what data it needs."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from echogan.model.batch import Batch
from echogan.model.losses.adversarial_losses import adversarial_generator
from echogan.model.losses.anatomy_losses import anatomy_loss, label_loss
from echogan.model.losses.contrast_losses import between_loss, lesion_loss
from echogan.model.losses.loss_weights import LossWeights
from echogan.model.losses.losses import (
    cycle_loss,
    flicker_loss,
    identity_loss,
    illumination_loss,
    structure_loss,
    temporal_loss,
)
from echogan.model.losses.paired_losses import paired_loss, paired_structure_loss
from echogan.model.translations import Translations

LossTerm = tuple[float, Callable[[], Tensor]]
"""A term's weight, and the function that computes it."""


def generator_terms(w: LossWeights, b: Batch, made: Translations) -> dict[str, LossTerm]:
    """Every term of the generators by its name, on or off; "_high" is of what `to_high` made."""
    kind, low, high = w.adversarial_kind, b.low_mask, b.high_mask
    return {
        "adversarial_high": (w.adversarial, lambda: adversarial_generator(kind, made.output_high, low)),
        "adversarial_low": (w.adversarial, lambda: adversarial_generator(kind, made.output_low, high)),
        "cycle_low": (w.cycle, lambda: cycle_loss(b.low, made.cycled_low, low)),
        "cycle_high": (w.cycle, lambda: cycle_loss(b.high, made.cycled_high, high)),
        "identity_high": (w.identity, lambda: identity_loss(b.high, made.same_high, high)),
        "identity_low": (w.identity * w.degrades, lambda: identity_loss(b.low, made.same_low, low)),
        "structure_high": (w.structure, lambda: structure_loss(b.low, made.fake_high, low)),
        "structure_low": (w.structure, lambda: structure_loss(b.high, made.fake_low, high)),
        "illumination_high": (w.illumination, lambda: illumination_loss(b.low, made.fake_high, low)),
        "illumination_low": (w.illumination, lambda: illumination_loss(b.high, made.fake_low, high)),
        # The anatomy of a poor frame is doubtful, that of a good frame is not.
        "anatomy_high": (w.anatomy, lambda: anatomy_loss(*made.segmented_low, low, by_confidence=True)),
        "anatomy_low": (w.anatomy, lambda: anatomy_loss(*made.segmented_high, high)),
        # discriminator_high learns its labels from good frames: without any it knows nothing to ask for.
        "labels_high": (w.labels, lambda: label_loss(made.output_high.labels, b.low_labels, b.high_labels)),
        "labels_low": (w.labels, lambda: label_loss(made.output_low.labels, b.high_labels, b.low_labels)),
        "temporal_high": (w.temporal, lambda: temporal_loss(b.low, made.fake_high, *made.next_high, low)),
        "flicker_high": (w.flicker, lambda: flicker_loss(b.low, made.fake_high, *made.next_high, low)),
        "paired_high": (
            w.paired,
            lambda: paired_loss(b.low, made.target, made.fake_high, low, b.low_paired, w.removal, w.addition),
        ),
        "target_structure_high": (
            w.target_structure,
            lambda: paired_structure_loss(made.target, made.fake_high, low, b.low_paired),
        ),
        "lesion_high": (w.lesion, lambda: lesion_loss(b.low, made.target, made.fake_high, made.lesions)),
        "between_high": (
            w.between,
            lambda: between_loss(b.low, made.target, made.fake_high, low, b.low_paired),
        ),
    }


def lacking_data(batch: Batch) -> set[str]:
    """The names of the terms that this batch has no data for."""
    both = None if batch.low_labels is None or batch.high_labels is None else batch.low_labels
    needed = {"labels_high": both, "labels_low": both}
    needed |= dict.fromkeys(("temporal_high", "flicker_high"), batch.low_next)
    needed |= dict.fromkeys(("paired_high", "target_structure_high", "between_high"), batch.low_target)
    needed |= {"lesion_high": batch.low_lesions}
    return {name for name, data in needed.items() if data is None}
