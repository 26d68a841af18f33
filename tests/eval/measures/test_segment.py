"""Outlines of the shipped segmenter as CAMUS labels."""

import numpy as np
import torch

from eval.measures.segment import segment


def test_the_right_heart_is_background_for_camus():
    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(1, 6, *x.shape[-2:])
            logits[:, 4, :8], logits[:, 1, 8:] = 1, 1
            return logits

    found = segment(Fixed(), np.zeros((20, 30), np.uint8))  # type: ignore[arg-type]
    assert found.shape == (20, 30)
    assert set(found[:8].ravel()) == {0}
    assert set(found[8:].ravel()) == {1}
