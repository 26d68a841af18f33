"""The examples that come with the program are those that the program would make now, and no more than a few MB."""

import numpy as np

from echogan.clips.files import open_clip
from echogan.phantom.render import phantom_clip
from echogan.phantom_files.examples import EXAMPLES, FOLDER, FRAMES, write_examples
from echogan.phantom_files.pairs import PairSettings


def test_all_files_are_there_and_of_the_phantom_of_this_version():
    """Where this fails: python -m echogan.phantom_files.examples."""
    wanted = {clip.file_name(kind) for clip in EXAMPLES.values() for kind in ("degraded", "clean")}
    assert {path.name for path in FOLDER.iterdir()} == wanted | {
        clip.facts_name for clip in EXAMPLES.values()
    }
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_the_first_frames_are_what_the_seed_gives_but_for_the_codec():
    clip = next(iter(EXAMPLES.values()))
    settings = PairSettings(only_artefact=clip.artefacts).phantom()
    made = phantom_clip(clip.seed, settings, FRAMES, want=("clean",), view=clip.view)
    stored = open_clip(FOLDER / clip.file_name("clean"))
    assert stored.frames == FRAMES
    frame = next(iter(stored.iter_frames()))
    difference = np.abs((frame if frame.ndim == 2 else frame[..., 0]).astype(float) - made.clean[0].numpy())
    assert difference.mean() < 1.5


def test_files_of_another_seed_or_version_go(tmp_path, monkeypatch):
    for clip in EXAMPLES.values():
        (tmp_path / clip.facts_name).write_text("kept")
    old = tmp_path / "phantom-0.1-A4C-38-haze-noise_clean.mp4"
    old.write_text("old")
    write_examples(tmp_path)
    assert not old.exists()
    assert len(list(tmp_path.iterdir())) == len(EXAMPLES)
