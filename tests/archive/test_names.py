"""Names of outputs."""

from pathlib import Path

from echogan.archive.names import output_names, tree_names


def test_names_are_told_apart_within_a_folder_only():
    root = Path("in")
    sources = [root / "a" / "x.mp4", root / "b" / "x.mp4", root / "b" / "x.avi", root / "y.nii.gz"]
    assert tree_names(sources, root) == ["a/x", "b/x_mp4", "b/x_avi", "y"]


def test_output_names_never_collide():
    sources = [Path(name) for name in ("a.mp4", "A.avi", "a_mp4.gif", "1.2.840.7", "1.2.840.8", "b.dcm", "c")]
    names = output_names(sources)
    assert names[2:] == ["a_mp4_2", "1.2.840.7", "1.2.840.8", "b", "c"]
    assert len({name.casefold() for name in names}) == len(sources)
