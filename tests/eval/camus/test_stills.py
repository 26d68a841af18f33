"""CAMUS stills: the fan lies on the echo, and a degraded still differs only inside it."""

from pathlib import Path

import cv2
import numpy as np

from eval.camus.stills import degrade, held_out_stills, stills


def test_a_degraded_still_is_another_image_of_the_same_heart(shared_data: Path):
    still = stills(shared_data / "camus", "selection", "Good")[0]
    assert max(still.image.shape) == 256
    assert set(np.unique(still.labels)) == {0, 1, 2, 3}
    mask = still.sector.tissue_mask
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert still.image[~near].max() <= 8  # the fan covers the echo, except for its ragged edge
    assert still.image[mask].mean() > 20
    poor = degrade(still, 1)
    assert poor.labels is still.labels
    assert np.array_equal(poor.image[~mask], still.image[~mask])
    assert float(np.abs(poor.image[mask].astype(float) - still.image[mask]).mean()) > 3


def test_a_short_run_takes_the_first_test_patients(shared_data: Path):
    few = held_out_stills(shared_data / "camus", "4CH", "Poor", most_patients=2)
    everyone = stills(shared_data / "camus", "test", "Poor")
    assert {still.patient for still in few} == set(sorted({still.patient for still in everyone})[:2])
