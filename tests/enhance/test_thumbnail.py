"""The thumbnail: the first frame before and after, nothing outside the tissue."""

import cv2
import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from PIL import Image

from echogan.core.errors import Cancelled
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.thumbnail import HEIGHT

SETTINGS = EnhanceSettings(device="cpu", working_size=64, batch_size=2, grey_curve=False)


def test_left_is_the_first_frame_and_right_the_result_black_outside_the_tissue(tmp_path):
    frames, sector = speckle(5), fan_sector()
    outputs = Outputs(arrays=tmp_path / "a.npz", thumbnail=tmp_path / "new" / "t.png")
    enhance_file(clip_of(frames), outputs, checkpoint(Scale(0.5)), SETTINGS, sector)
    shown = cv2.imread(str(tmp_path / "new" / "t.png"), cv2.IMREAD_UNCHANGED)
    top, left, bottom, right = sector.box
    enhanced = np.load(tmp_path / "a.npz")["enhanced"][0]
    width = round((right - left) * HEIGHT / (bottom - top))
    assert shown.shape == (HEIGHT, 2 * width)
    for half, frame in ((shown[:, :width], frames[0]), (shown[:, width:], enhanced)):
        expected = np.where(sector.tissue_mask, frame, 0)[top:bottom, left:right]
        expected = cv2.resize(expected, (width, HEIGHT), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(half, expected)
    assert "not for diagnosis" in Image.open(tmp_path / "new" / "t.png").info["Title"]  # pyright: ignore


def test_a_cancelled_clip_leaves_none(tmp_path):
    import threading

    cancel = threading.Event()
    with pytest.raises(Cancelled):
        enhance_file(
            clip_of(speckle(5)),
            Outputs(thumbnail=tmp_path / "t.png"),
            checkpoint(Scale(0.5)),
            SETTINGS,
            fan_sector(),
            progress=lambda done, total: cancel.set(),
            cancel=cancel,
        )
    assert list(tmp_path.iterdir()) == []
