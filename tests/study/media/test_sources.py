"""The clips of a study: folders, lists, what a file's name tells, and the sentences about mistakes."""

from pathlib import Path

import pytest

from echogan.core.errors import StudyError
from echogan.study.creation import pseudonyms, with_training
from echogan.study.media.sources import Source, read_sources


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"clip")


def test_a_folder_of_originals(tmp_path):
    touch(tmp_path, "p1_4CH.dcm", "p1_2CH.dcm", "p2-A4C-rest.mp4", "unnamed.avi")
    found = [
        (source.original.name, source.patient, source.view, source.enhanced)
        for source in read_sources(tmp_path)
    ]
    assert found == [
        ("p1_2CH.dcm", "p1", "A2C", None),
        ("p1_4CH.dcm", "p1", "A4C", None),
        ("p2-A4C-rest.mp4", "p2", "A4C", None),
        ("unnamed.avi", "unnamed", "other", None),
    ]


def test_files_of_one_name_in_two_folders_are_two_patients(tmp_path):
    touch(tmp_path, "a/1_4CH.mp4", "b/1_4CH.mp4")
    assert len({source.patient for source in read_sources(tmp_path)}) == 2


def test_originals_and_enhanced_are_paired_by_name(tmp_path):
    touch(
        tmp_path, "original/p1_4CH.dcm", "original/p2_4CH.dcm", "enhanced/p2_4CH.mp4", "enhanced/p1_4CH.mp4"
    )
    found = {source.original.stem: source.enhanced for source in read_sources(tmp_path)}
    assert found == {name: tmp_path / "enhanced" / f"{name}.mp4" for name in ("p1_4CH", "p2_4CH")}


def test_a_list(tmp_path):
    touch(tmp_path, "a.dcm", "a.mp4", "g.dcm")
    (tmp_path / "list.csv").write_text(
        "original,enhanced,patient,view,quality,role,sector,text,expected\n"
        'a.dcm,a.mp4,Jane,plax,poor,,"60,2,-38,38,3,86",none,\n'
        "g.dcm,,X,,,gold,,,overall:1..2 border:1..3\n",
        encoding="utf-8-sig",
    )
    one, gold = read_sources(tmp_path / "list.csv")
    assert (one.patient, one.view, one.quality, one.role) == ("Jane", "PLAX", "poor", "main")
    assert one.sector is not None
    assert one.sector.r_max == 86
    assert (one.text, gold.text) == (False, True)
    assert (gold.role, gold.view, gold.enhanced) == ("gold", "other", None)
    assert gold.expected == {"overall": (1, 2), "border": (1, 3)}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("clip\na.dcm", "unknown column 'clip'"),
        ("enhanced\na.dcm", "no column 'original'"),
        ("original\nDoe.dcm", "In line 2 of the list the original is missing"),
        ("original,enhanced\na.dcm,Doe.mp4", "In line 2 of the list the enhanced clip is missing"),
        ("original,view\na.dcm,apical", "view is none of A4C"),
        ("original,role\na.dcm,extra", "role is none of main, training, gold"),
        ("original,quality\na.dcm,<b>", "no plain word"),
        ("original,expected\na.dcm,overall=1", "expected answers cannot be read"),
        ("original,expected\na.dcm,overall:3..1", "expected answers cannot be read"),
        ("original,text\na.dcm,Doe", "'text' is neither none nor empty"),
        ("original\na.dcm\na.dcm", "named twice"),
        ("original\n", "There are no clips"),
    ],
)
def test_a_wrong_list_is_told_without_names(tmp_path, lines, sentence):
    touch(tmp_path, "a.dcm")
    (tmp_path / "list.csv").write_text(lines)
    with pytest.raises(StudyError, match=sentence) as caught:
        read_sources(tmp_path / "list.csv")
    assert "Doe" not in str(caught.value)


def test_a_wrong_folder_is_told(tmp_path):
    touch(tmp_path, "original/a.dcm", "original/b.dcm", "enhanced/a.mp4")
    with pytest.raises(StudyError, match="Some originals have an enhanced clip and some have none"):
        read_sources(tmp_path)
    touch(tmp_path, "enhanced/b.mp4", "enhanced/c.mp4")
    with pytest.raises(StudyError, match="1 enhanced clips have no original"):
        read_sources(tmp_path)
    with pytest.raises(StudyError, match="Give a folder"):
        read_sources(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="no clips"):
        read_sources(tmp_path / "empty")


def sources(patients: int, clips: int = 1) -> list[Source]:
    return [
        Source(f"clip {p}-{c}", Path(f"{p}-{c}"), f"Jane {p:02d}")
        for p in range(patients)
        for c in range(clips)
    ]


@pytest.mark.parametrize(("patients", "clips", "needed"), [(12, 1, 5), (10, 2, 5), (4, 3, 1)])
def test_whole_patients_are_taken_for_training(patients, clips, needed):
    found = with_training(sources(patients, clips), needed, "seed")
    training = {source.patient for source in found if source.role == "training"}
    assert training.isdisjoint(source.patient for source in found if source.role == "main")
    assert needed <= sum(source.role == "training" for source in found) < needed + clips


def test_none_is_taken_where_too_few_would_be_left_and_none_where_the_list_says_who():
    assert not any(source.role == "training" for source in with_training(sources(5), 5, "seed"))
    given = [*sources(9), Source("t", Path("t"), "T", role="training")]
    assert with_training(given, 5, "seed") == given


def test_pseudonyms_keep_clips_of_a_patient_together_and_tell_no_order():
    given = sources(30, 2)
    cases = pseudonyms(given, "seed")
    assert len({case.clip for case in cases}) == 60
    assert [case.patient for case in cases[::2]] == [case.patient for case in cases[1::2]]
    assert [case.patient for case in cases[::2]] != sorted(case.patient for case in cases[::2])
    assert not any("Jane" in repr(case) for case in cases)
