"""Names of outputs: the input's folders are kept, and no two are alike."""

from __future__ import annotations

from pathlib import Path


def tree_names(sources: list[Path], root: Path) -> list[str]:
    """For each source below `root` its folders there and its output's name, with slashes."""
    names: dict[Path, str] = {}
    for folder in dict.fromkeys(source.parent for source in sources):
        inside = [source for source in sources if source.parent == folder]
        for source, name in zip(inside, output_names(inside), strict=True):
            names[source] = (folder.relative_to(root) / name).as_posix()
    return [names[source] for source in sources]


def output_names(sources: list[Path]) -> list[str]:
    """A name for each source, unlike all others even where case does not count: the stem, and if two files
    share it, the whole file name with `_` for the dot."""
    stems = [_stem(source) for source in sources]
    folded = [stem.casefold() for stem in stems]
    names: list[str] = []
    taken: set[str] = set()
    for source, stem in zip(sources, stems, strict=True):
        wanted = stem if folded.count(stem.casefold()) == 1 else source.name.replace(".", "_")
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _stem(path: Path) -> str:
    if path.name.lower().endswith(".nii.gz"):
        return path.name[: -len(".nii.gz")]
    # DICOM files are often named by a UID: the digits after its last dot are no suffix.
    return path.name if path.suffix[1:].isdigit() else path.stem
