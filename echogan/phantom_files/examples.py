"""The simulated examples that come with the program; `python -m echogan.phantom_files.examples` makes them anew.

To choose others, see the contact sheet of `python -m echogan phantom` with --view and --only-artefact, then enhance.
"""

from __future__ import annotations

from pathlib import Path

from echogan.phantom_files.single_clip import SimulatedClip

FOLDER = Path(__file__).parent / "example_clips"
FRAMES = 32
EXAMPLES = {
    "Simulated A4C: haze, noise": SimulatedClip("A4C", 38, ("haze", "noise")),
    "Simulated PLAX: haze, clutter": SimulatedClip("PLAX", 41, ("haze", "near_clutter")),
    "Simulated A2C: haze, noise": SimulatedClip("A2C", 53, ("haze", "noise")),
    "Simulated PSAX: haze, noise": SimulatedClip("PSAX-PM", 41, ("haze", "noise")),
}
"""Label -> clip. The first shows at once what enhancing does: it must be easy to see, and true to the clean clip."""


def write_examples(folder: Path = FOLDER) -> None:
    """Render the clips that are not there, and remove those of other seeds or phantoms. Raises OutputError."""
    folder.mkdir(exist_ok=True)
    for clip in EXAMPLES.values():
        if not (folder / clip.facts_name).exists():
            clip.write(folder, FRAMES)
    for path in folder.iterdir():
        if not any(path.name.startswith(clip.stem + end) for clip in EXAMPLES.values() for end in "_."):
            path.unlink()


if __name__ == "__main__":
    write_examples()
