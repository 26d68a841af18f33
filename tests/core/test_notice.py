"""The research-only notice: written once, and short enough for where it must fit."""

from pathlib import Path

from echogan.clips.dicom.object import SERIES_DESCRIPTION
from echogan.core.notice import HALLUCINATION, IN_FULL, NO_DEVICE, NOTICE

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "echogan" / "core" / "notice.py"


def test_no_other_file_of_the_program_words_the_notice():
    files = [
        ROOT / "app.py",
        *(path for end in ("py", "js", "html") for path in ROOT.glob(f"echogan/**/*.{end}")),
    ]
    assert HOME in files
    for path in files:
        text = " ".join(path.read_text(encoding="utf-8").split()).lower()
        for sentence in (NOTICE, NO_DEVICE, HALLUCINATION):
            assert path == HOME or sentence.lower() not in text, path


def test_a_dicom_tag_of_64_characters_holds_it():
    assert NOTICE.lower() in SERIES_DESCRIPTION
    assert len(SERIES_DESCRIPTION) <= 64
    assert IN_FULL.startswith(NOTICE)
