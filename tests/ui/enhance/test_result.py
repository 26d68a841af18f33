"""What a result says of the model that made it, and which files it offers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from fake_checkpoint import Scale, checkpoint, clip_of, whole_sector

from echogan.ui.enhance.result import badge, downloads, fits_dicom, too_long


def test_a_license_other_than_the_projects_is_shown():
    report = SimpleNamespace(device="cpu", strength=0.5)
    own = checkpoint(Scale(1.0))
    names = [name for name, _, _ in badge(own, report)]
    assert names == ["Model", "Hash", "Device", "Strength"]
    other = replace(own, config=replace(own.config, license="CC BY-NC-SA 4.0"), revision="f" * 40)
    shown = {name: text for name, text, _ in badge(other, report)}
    assert shown["Licence"] == "CC BY-NC-SA 4.0"
    assert shown["Revision"] == "f" * 12


def test_a_clip_too_long_for_dicom_goes_without_it_and_says_so(tmp_path):
    short = clip_of(np.zeros((2, 8, 8), np.uint8))
    assert fits_dicom(short)
    assert too_long(short) == []
    long = clip_of(np.broadcast_to(np.uint8(0), (691, 1080, 1920, 3)))
    assert not fits_dicom(long)
    assert "4 GiB" in too_long(long)[0]
    outputs = SimpleNamespace(clips=[tmp_path / "enhanced.mp4"], arrays="a", report="b", figure="c")
    shown = downloads(outputs, whole_sector(8, 8))  # type: ignore[arg-type]
    assert [one.label for one in shown] == ["MP4", "NPZ", "Report", "Figure"]
    outputs.clips.append(tmp_path / "enhanced.dcm")
    dicom = downloads(outputs, whole_sector(8, 8))[1]  # type: ignore[arg-type]
    assert "text in the picture stays" in dicom.hint
