"""The examples: really simulated, current, small, with their truth; the first shows at once what enhancing does."""

import numpy as np
import pytest

from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.errors import SettingsError
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.frame_tiles import TileReader
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.phantom_files.examples import EXAMPLES, FOLDER
from echogan.ui.enhance.examples import CINE, Examples, example_names, example_path
from echogan.ui.session import Sessions


def test_the_cine_stands_among_the_simulated_ones():
    names = example_names()
    assert sorted(names) == sorted([*EXAMPLES, CINE])
    assert names[0] in EXAMPLES
    assert [clip.view for clip in EXAMPLES.values()] == ["A4C", "PLAX", "A2C", "PSAX-PM"]
    for name, clip in EXAMPLES.items():
        assert name.startswith(f"Simulated {clip.view.split('-')[0]}: ")


@pytest.mark.parametrize("name", example_names())
def test_an_example_opens_with_all_its_frames_and_once(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    examples = Examples(Sessions())
    opened = examples.opened(name)
    assert examples.opened(name) is opened
    frames = list(TileReader(opened.original.folder))
    assert len(frames) == opened.original.ready == opened.clip.frames >= 30
    assert 5 < frames[0].mean() < 120  # neither black nor a flood
    if name == CINE:
        assert opened.truth is None
        return
    assert opened.truth is not None
    truth = list(TileReader(opened.truth.folder))
    assert len(truth) == opened.truth.ready == len(frames)
    assert truth[0].shape[:2] == frames[0].shape[:2]
    assert opened.clip.spacing_mm is not None
    assert 0.2 < opened.clip.spacing_mm[0] < 1.5


def test_a_name_that_is_none_is_refused():
    with pytest.raises(SettingsError):
        example_path("../a")


def test_the_first_example_shows_at_once_what_enhancing_does_and_comes_nearer_to_its_truth():
    first = EXAMPLES[example_names()[0]]
    poor = open_clip(FOLDER / first.file_name("degraded"))
    sector = find_sector(poor)
    clean = np.stack(list(open_clip(FOLDER / first.file_name("clean")).iter_frames()))[:8]
    enhancer = Enhancer(load_checkpoint("echogan"), EnhanceSettings(device="cpu", batch_size=8))
    chunk = next(enhancer.stream(poor, sector))
    inside = sector.tissue_mask

    def grey(frames):
        return (frames if frames.ndim == 3 else frames[..., 0]).astype(float)[:, inside]

    before, after, truth = grey(chunk.original), grey(chunk.enhanced), grey(clean)
    assert np.abs(after - before).mean() > 8  # grey levels
    errors = [float(np.sqrt(((frames - truth) ** 2).mean())) for frames in (before, after)]
    assert errors[1] < 0.85 * errors[0]
