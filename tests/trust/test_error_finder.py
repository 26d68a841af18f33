"""What was removed or invented, as evidence and fusion give it pixel by pixel."""

import numpy as np
import pytest
from fake_checkpoint import fan_sector, speckle

from echogan.trust.error_finder import ErrorFinder
from echogan.trust.evidence import Evidence
from echogan.trust.fusion import bundled_fusion, full_size

TISSUE = fan_sector(240, 300).tissue_mask
ROWS, COLUMNS = np.mgrid[:240, :300]
DISC = (ROWS - 140) ** 2 + (COLUMNS - 150) ** 2 <= 16**2


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Frames (n, h, w) in [0, 1] of tissue, with a bright disc and without."""
    dark = np.where(TISSUE, 0.1 + 0.1 * speckle(3, 240, 300) / 255, 0).astype(np.float32)
    return np.where(DISC, dark + 0.5, dark), dark


def test_it_is_the_fusion_of_the_whole_frames_evidence_at_full_size():
    bright, dark = pair()
    expected = bundled_fusion()(Evidence(TISSUE)(bright, dark))
    for one, other in zip(ErrorFinder(TISSUE)(bright, dark), expected, strict=True):
        np.testing.assert_allclose(one, full_size(other, TISSUE), atol=1e-6)


@pytest.mark.parametrize("kind", [0, 1])
def test_an_erased_disc_is_found_as_removed_and_a_painted_one_as_invented(kind):
    bright, dark = pair()
    found = ErrorFinder(TISSUE)(*((bright, dark), (dark, bright))[kind])
    assert np.median(found[kind][:, DISC]) > 0.2
    assert not found[0][:, ~TISSUE].any()
    assert not found[1][:, ~TISSUE].any()
