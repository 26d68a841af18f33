"""The maps of a clip are the same however it is cut into chunks."""

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle

from echogan.clips.clip import grey
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhancer import Enhancer, EnhanceSettings

torch.set_num_threads(1)


def maps_of(generator: torch.nn.Module, frames: np.ndarray, batch_size: int) -> dict[str, np.ndarray]:
    settings = EnhanceSettings(device="cpu", working_size=64, batch_size=batch_size)
    enhancer = Enhancer(checkpoint(generator), settings)
    prepared = enhancer.prepare(clip_of(frames), fan_sector())
    diagnoses = Diagnoses(prepared.space)
    chunks = [diagnoses.add(chunk) for chunk in enhancer.run(prepared)]
    return {name: np.concatenate([maps[name] for maps in chunks]) for name in chunks[0]}


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_batch_size_changes_no_map(batch_size):
    blur = torch.nn.AvgPool2d(3, stride=1, padding=1)  # its tone curve depends on the frame
    frames = speckle(7)
    frames[3:] = (frames[3:] * 0.6).astype(np.uint8)  # so that more frames give another curve
    whole = maps_of(blur, frames, 7)
    for name, maps in maps_of(blur, frames, batch_size).items():
        np.testing.assert_allclose(maps, whole[name], atol=1e-3)


def test_a_generator_that_changes_tones_alone_removes_and_adds_nothing():
    maps = maps_of(Scale(0.5), speckle(5), 2)
    assert np.abs(maps["difference"]).max() > 20
    assert np.abs(maps["removed_added"]).max() < 0.5


@pytest.mark.parametrize("batch_size", [2, 5])
def test_the_figure_s_frames_are_the_means_of_their_luma(batch_size):
    frames = np.repeat(speckle(5)[..., None], 3, -1)
    frames[..., 1] = frames[..., 1] * 0.9  # a tint, as of a colour B-mode
    sector = fan_sector()
    enhancer = Enhancer(
        checkpoint(Scale(0.5)), EnhanceSettings(device="cpu", working_size=64, batch_size=batch_size)
    )
    prepared = enhancer.prepare(clip_of(frames), sector)
    diagnoses = Diagnoses(prepared.space)
    results = []
    for chunk in enhancer.run(prepared):
        diagnoses.add(chunk)
        results.append(chunk.enhanced)
    figure, tissue = diagnoses.figure_data(sector), sector.tissue_mask[prepared.space.box]
    for found, shown in ((figure.original, frames), (figure.enhanced, np.concatenate(results))):
        means = grey(shown)[:, *prepared.space.box].mean(0)
        np.testing.assert_allclose(found[tissue], means[tissue], atol=0.5)  # each frame's luma is rounded
        assert np.isnan(found[~tissue]).all()
