"""What was removed or invented, as evidence, fusion and error head give it pixel by pixel."""

import numpy as np
import pytest
from fake_checkpoint import fan_sector, speckle

from echogan.trust.error_finder import ErrorFinder, bundled_finder
from echogan.trust.error_head import head_logits, shown
from echogan.trust.evidence import Evidence
from echogan.trust.fusion import bundled_fusion, bundled_head, full_size, probabilities

TISSUE = fan_sector(240, 300).tissue_mask
ROWS, COLUMNS = np.mgrid[:240, :300]
DISC = (ROWS - 140) ** 2 + (COLUMNS - 150) ** 2 <= 16**2
FINDERS = (ErrorFinder(TISSUE), bundled_finder(TISSUE))


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Frames (n, h, w) in [0, 1] of tissue, with a bright disc and without."""
    dark = np.where(TISSUE, 0.1 + 0.1 * speckle(3, 240, 300) / 255, 0).astype(np.float32)
    return np.where(DISC, dark + 0.5, dark), dark


def test_it_is_the_fusion_of_the_evidence_at_full_size():
    bright, dark = pair()
    expected = np.moveaxis(probabilities(bundled_fusion()(Evidence(TISSUE)(bright, dark))), -1, 0)
    for one, other in zip(ErrorFinder(TISSUE)(bright, dark), expected, strict=True):
        np.testing.assert_allclose(one, full_size(other, TISSUE), atol=1e-6)


def test_the_head_is_added_to_the_logits_of_each_frame():
    bright, dark = pair()
    evidence = Evidence(TISSUE)
    x, g = evidence.reduced(bright[1]), evidence.reduced(dark[1])
    (said,) = head_logits(shown(x, g, evidence.tissue)[None], bundled_head())
    assert np.abs(said[:, evidence.tissue]).max() > 0.5
    logits = np.moveaxis(bundled_fusion()(evidence.of_reduced(x, g)), -1, 0) + np.where(
        evidence.tissue, said, 0
    )
    for one, other in zip(bundled_finder(TISSUE)(bright, dark), probabilities(logits), strict=True):
        odds = full_size(other[None], TISSUE)[0][TISSUE].astype(float)
        odds *= np.e / (1 - odds)
        np.testing.assert_allclose(one[1][TISSUE], odds / (1 + odds), atol=1e-5)


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("kind", [0, 1])
def test_an_erased_disc_is_found_as_removed_and_a_painted_one_as_invented(kind, finder):
    bright, dark = pair()
    found = finder(*((bright, dark), (dark, bright))[kind])
    assert np.median(found[kind][:, DISC]) > 0.2
    assert np.median(found[kind][:, DISC]) > np.median(found[1 - kind][:, DISC])
    assert np.median(found[kind][:, DISC]) > np.quantile(found[kind][:, TISSUE & ~DISC], 0.95)
    assert not found[0][:, ~TISSUE].any()
    assert not found[1][:, ~TISSUE].any()


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("contrast", [0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize(("level", "grain"), [(0.1, 0.1), (0.3, 0.3), (0.1, 0.5)])
def test_discs_of_any_contrast_are_told_in_flat_and_in_grainy_tissue(contrast, level, grain, finder):
    x = np.where(TISSUE, level + grain * speckle(1, 240, 300) / 255, 0).astype(np.float32)
    g = np.where(DISC, np.clip(x + contrast, 0, 1), x)
    _, invented = finder(x, g)
    assert np.median(invented[0][DISC]) > 0.5
