"""The terms that keep the anatomy: a frozen segmenter's agreement, and anatomic labels."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.losses import masked_mean


def confidence(log_p: Tensor) -> Tensor:
    """1 - entropy / log K of log p (N, K, h, w): 1 where it is certain, 0 where it knows nothing; (N, 1, h, w)."""
    entropy = -(log_p.exp() * log_p).sum(1, keepdim=True)
    return 1 - entropy / math.log(log_p.shape[1])


def anatomy_loss(
    source: Tensor, translated: Tensor, mask: Tensor | None = None, by_confidence: bool = False
) -> Tensor:
    """KL divergence from the segmentation of a frame to that of its translation, in nats, inside the mask.

    Semantic consistency (Hoffman et al., CyCADA, ICML 2018, eq. 4) with soft labels. `source` and `translated`
    are a frozen segmenter's logits (N, K, h, w), K >= 2, of x and of G(x); `mask` (N, 1, h, w). The frame is the
    truth and is cut from the graph, in both directions: an enhanced frame may look clearer, but what is clear
    in it may be invented. Of a poor frame the segmentation is itself doubtful, so with `by_confidence` each
    pixel counts as far as the segmenter is sure of it: where nothing was seen, nothing is asked.
    """
    assert source.shape[1] >= 2
    log_p, log_q = F.log_softmax(source.detach(), 1), F.log_softmax(translated, 1)
    divergence = (log_p.exp() * (log_p - log_q)).sum(1, keepdim=True)
    return masked_mean(divergence * confidence(log_p) if by_confidence else divergence, mask)


def label_loss(logits: Tensor | None, labels: Tensor | None, taught: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of the discriminator's label head; AC-GAN (Odena et al., ICML 2017, eq. 3).

    `logits` and `labels` (N, 5) in the order of LABELS; labels 0, 1, or NaN where unknown, which costs
    nothing: the mean is over all labels, known or not, the same in however many parts a batch is taken. A generator
    is asked only for what the head has been taught: it also gives the labels `taught` (N, 5) of the real frames of
    this step, and the loss is 0 where none of them is known.
    """
    assert logits is not None
    assert labels is not None
    known = ~labels.isnan()
    each = F.binary_cross_entropy_with_logits(logits, torch.where(known, labels, 0.0), reduction="none")
    loss = (each * known).mean()
    return loss if taught is None else loss * (~taught.isnan()).any()
