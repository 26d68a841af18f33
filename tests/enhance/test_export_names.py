"""Names of exports: free of identity, good for every file system, telling."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from dicom_samples import moving, save, ultrasound
from fake_checkpoint import clip_of, speckle
from planted_identity import WORDS, planted

from echogan.clips.files import open_clip
from echogan.enhance.export_names import export_name, export_stem, safe_name

VIDEO = clip_of(speckle(2))
FORBIDDEN = set('<>:"/\\|?*. ')


def dicom(folder: Path, **tags):
    return open_clip(save(ultrasound(moving(2)), folder / "any.dcm") if not tags else _tagged(folder, tags))


def _tagged(folder: Path, tags):
    return save(ultrasound(moving(2), **tags), folder / "any.dcm")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a4c poor.mp4", "a4c_poor"),
        ("folder/of/a/patient/a4c.avi", "a4c"),
        ("C:\\patients\\a4c.avi", "a4c"),
        ("../../etc/passwd", "passwd"),
        ("vol.nii.gz", "vol"),
        ("心臓 A4C.mkv", "心臓_A4C"),
        ("re\u0301sume\u0301.gif", "r\u00e9sum\u00e9"),
        ("a\x00b\x1b[0m\u202egpj.mp4", "a_b_0m_gpj"),
        ("CON.mp4", "clip_CON"),
        ("com1.x.gif", "com1_x"),
        ("-rf.mp4", "rf"),
        ("...", "clip_3"),
        ("", "clip_3"),
    ],
)
def test_the_stem_of_a_video(name, stem):
    assert export_stem(VIDEO, name, 3) == stem


def test_with_a_blackout_the_name_of_a_video_is_not_used():
    assert export_stem(VIDEO, "Smith John.mp4", 2, blackout=True) == "clip_2"


def test_a_dicom_keeps_its_name_unless_it_holds_identity(tmp_path):
    clip = dicom(tmp_path, PatientName="Smith^John", PatientBirthDate="19440617")
    for blackout in (False, True):
        assert export_stem(clip, "a4c_poor.dcm", 4, blackout) == "a4c_poor"
        for name in ("JOHN a4c.dcm", "smith.dcm", "dcm 17-06-1944.dcm", "x/Jsmith4.dcm"):
            assert export_stem(clip, name, 4, blackout) == "clip_4"
    assert export_stem(clip, "smith/a4c.dcm", 4) == "a4c"  # the folder is left out


def test_a_dicom_that_names_nobody_cannot_be_checked(tmp_path):
    clip = dicom(tmp_path, PatientName="", PatientID="")
    assert export_stem(clip, "a4c.dcm", 1) == "a4c"
    assert export_stem(clip, "a4c.dcm", 1, blackout=True) == "clip_1"


def test_a_dicom_named_by_its_uid_is_neutral(tmp_path):
    path = save(data := ultrasound(moving(2)), tmp_path / "any.dcm")
    assert export_stem(open_clip(path), str(data.SOPInstanceUID), 5) == "clip_5"
    assert export_stem(open_clip(path), f"US.{data.SOPInstanceUID}.dcm", 5) == "clip_5"


def test_whatever_the_name_no_word_of_the_header_is_in_the_stem(tmp_path):
    """Random names made of the header's words, digits and separators."""
    clip = open_clip(planted(tmp_path))
    pieces = ["ZYXWVQ", "Zyxwvq", "margarethe", "AC", "773311", "Sanatorium", "19440617", "1944", "17", "06"]
    pieces += ["a4c", "poor", "view", "echo", "_", "-", " ", ".", "^", "ä", "\u0301", "b"]
    rng = np.random.default_rng(1)
    kept = 0
    for number in range(300):
        name = "".join(rng.choice(pieces, rng.integers(1, 7))) + ".dcm"
        stem = export_stem(clip, name, number, blackout=bool(number % 2))
        squeezed = "".join(c for c in stem.casefold() if c.isalnum())
        if stem != f"clip_{number}":
            kept += 1
            assert not [word for word in (*WORDS, "1944") if word.replace("-", "") in squeezed]
    assert kept > 20


def test_a_safe_name_suits_every_file_system():
    """Random text of every plane and script."""
    rng = np.random.default_rng(2)
    alphabets = [range(0x250), range(0x300, 0x370), range(0x3040, 0x30FF), range(0x1F600, 0x1F640)]
    alphabets += [range(0x2000, 0x2070), range(0xE000, 0xE010), range(0x20, 0x7F)]
    for _ in range(2000):
        codes = [int(rng.choice(alphabets[rng.integers(len(alphabets))])) for _ in range(rng.integers(0, 60))]
        made = safe_name("".join(map(chr, codes)), 40)
        assert len(made.encode()) <= 40
        assert not set(made) & FORBIDDEN
        assert all(unicodedata.category(c)[0] in "LNM" or c in "-_" for c in made)
        assert made == unicodedata.normalize("NFC", made)
        assert made == safe_name(made, 40)
        assert not made.startswith(("-", "_"))


def test_every_name_kept_for_devices_is_changed():
    for device in ("con", "PRN", "Aux", "nul", "COM1", "lpt9", "com\u00b9"):
        assert safe_name(device).casefold() != device.casefold()
    assert safe_name("contour") == "contour"


def test_names_tell_what_a_file_is():
    assert export_name("a4c", "enhanced", "echogan", ".mp4") == "a4c_enhanced_echogan.mp4"
    assert export_name("a4c", "maps", "user/model@v1", ".png") == "a4c_maps_user_model_v1.png"
    assert len(export_name("x" * 80, "side_by_side", "m" * 300, ".mp4").encode()) < 200
