"""Every clip of a folder, enhanced into a folder of the same tree; one failing clip does not stop the others."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Protocol

from echogan.archive.names import tree_names
from echogan.cli.console import make_folder
from echogan.clips.listing import list_clips
from echogan.core.errors import Cancelled, EchoGANError, UnreadableClip

Extras = tuple[Path | None, Path | None, Path | None, Path | None]  # report, arrays, figure, trust card
EXTRA_SUFFIXES = (".json", ".npz", ".png", ".html")


class EnhanceOne(Protocol):
    """Enhances one clip; `label` stands before its name in the progress bar."""

    def __call__(self, source: Path, target: Path, extras: Extras, *, label: str) -> None: ...


def enhance_folder(place: Path, output: Path, extras: Extras, suffix: str, one: EnhanceOne) -> int:
    """Enhance what `list_clips(place)` finds into `output` and the folders of extras; returns the exit code.

    Files keep their folders within the tree. Without a `suffix` each clip becomes a folder of PNG files. What failed
    or is no clip is told at the end. Raises UnreadableClip where there is no file at all.
    """
    root = place if place.is_dir() else place.parent
    sources = [path for path in list_clips(place) if output.resolve() not in path.resolve().parents]
    if not sources:
        raise UnreadableClip(f"The folder {root} holds no files. Give a folder of clips.")
    folders = [folder for folder in (output, *extras) if folder is not None]
    made = [folder for folder in folders if not folder.exists()]
    for folder in folders:
        make_folder(folder)
    failures: list[str] = []
    for number, (source, name) in enumerate(zip(sources, tree_names(sources, root), strict=True), 1):
        beside = tuple(
            folder and folder / f"{name}{ending}"
            for folder, ending in zip(extras, EXTRA_SUFFIXES, strict=True)
        )
        try:
            with _folder_of_png(output / name, output) if not suffix else contextlib.nullcontext():
                one(source, output / f"{name}{suffix}", beside, label=f"{number}/{len(sources)} ")  # pyright: ignore
        except (EchoGANError, OSError) as error:
            if isinstance(error, Cancelled):
                raise
            failures.append(f"{source.relative_to(root)}: {error}")
    if failures:
        others = "; the others are done" if len(failures) < len(sources) else ", so nothing was written"
        print("\n".join(failures), file=sys.stderr)
        print(f"{len(failures)} of {len(sources)} files failed{others}.", file=sys.stderr)
    for folder in made if len(failures) == len(sources) else ():
        with contextlib.suppress(OSError):
            folder.rmdir()
    return 1 if failures else 0


@contextlib.contextmanager
def _folder_of_png(target: Path, output: Path):
    """A folder that is there, so that a dot in its name is no suffix; removed again where nothing came into it."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in (target, *target.parents):
            if folder == output:
                break
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
