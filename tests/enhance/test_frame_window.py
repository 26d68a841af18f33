"""The window over a clip gives every frame its neighbours and holds no more than it needs."""

import itertools

import numpy as np
import pytest
import torch
from fake_checkpoint import checkpoint, clip_of, speckle, whole_sector

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.frame_window import FrameWindow
from echogan.enhance.working_space import WorkingSpace
from echogan.model.checkpoints.checkpoint import Checkpoint, CheckpointConfig
from echogan.model.networks.generators import GeneratorConfig, build_generator

torch.set_num_threads(1)


def numbered(count: int) -> list[np.ndarray]:
    return [np.full((2, 3), i, np.float32) for i in range(count)]


def walked(window: FrameWindow, size: int) -> list[list[int]]:
    """The numbers of the frames seen, for every frame of the clip."""
    seen: list[list[int]] = []
    while batch := window.advance(size):
        frames, places = window.seen()
        assert len(places) == len(batch)
        seen += frames[places][:, :, 0, 0].astype(int).tolist()
    return seen


@pytest.mark.parametrize("size", [1, 4, 8, 100])
@pytest.mark.parametrize(
    ("fps", "places"),
    [(50.0, (-8, -3, 0, 3, 8)), (25.0, (-4, -2, 0, 2, 4)), (None, (-8, -3, 0, 3, 8)), (3.0, (0, 0, 0, 0, 0))],
)
@pytest.mark.parametrize("count", [1, 2, 8, 30])
def test_every_frame_has_its_neighbours_whatever_the_batch(size, fps, places, count):
    window = FrameWindow(iter(numbered(count)), lambda frame: frame, 5, fps)
    expected = [[min(max(i + place, 0), count - 1) for place in places] for i in range(count)]
    assert walked(window, size) == expected


def test_one_frame_reads_nothing_ahead():
    frames = iter(numbered(5))
    window = FrameWindow(frames, lambda frame: frame)
    assert len(window.advance(2)) == 2
    entered, places = window.seen()
    assert entered[places][:, 0, 0, 0].tolist() == [0, 1]
    assert next(frames)[0, 0] == 2


def test_a_long_clip_is_held_in_part_alone():
    """Counted with what lets a frame be collected: of 500 frames never more than the batch and the reach around it."""
    alive: set[int] = set()

    class Counted(np.ndarray):
        def __del__(self) -> None:
            alive.discard(getattr(self, "number", -1))

    def made(number: int) -> np.ndarray:
        frame = np.zeros((2, 2), np.float32).view(Counted)
        frame.number = number  # type: ignore[attr-defined]
        alive.add(number)
        return frame

    window = FrameWindow(map(made, range(500)), lambda frame: frame, 5, 50.0)
    most = 0
    while window.advance(4):
        window.seen()
        most = max(most, len(alive))
    assert 12 <= most <= 4 + 2 * 8 + 4  # the batch before may still be in hand


def test_each_frame_enters_the_working_space_once():
    entered: list[int] = []
    window = FrameWindow(iter(numbered(40)), lambda f: (entered.append(int(f[0, 0])), f)[1], 3, 50.0)
    walked(window, 3)
    assert entered == list(range(40))


class Neighbour(torch.nn.Module):
    """The generator that shows one of the frames that it sees."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, self.place : self.place + 1]


def of_frames(to_high: torch.nn.Module, frames: int) -> Checkpoint:
    made = checkpoint(to_high)
    config = CheckpointConfig(name="fake", generator=GeneratorConfig(channels=8, blocks=1, frames=frames))  # type: ignore[arg-type]
    return Checkpoint(*(getattr(made, name) if name != "config" else config for name in vars(made)))


def enhanced(model: Checkpoint, frames: np.ndarray, batch: int, fps: float | None = 50.0):
    settings = EnhanceSettings(device="cpu", batch_size=batch, working_size=64)
    return list(Enhancer(model, settings).stream(clip_of(frames, fps), whole_sector(*frames.shape[1:3])))


@pytest.mark.parametrize(("place", "step"), [(0, -8), (1, -3), (2, 0), (3, 3), (4, 8)])
def test_a_generator_that_picks_a_neighbour_shows_that_frame(place, step):
    frames = speckle(20, 64, 64)
    shown = np.concatenate([chunk.enhanced for chunk in enhanced(of_frames(Neighbour(place), 5), frames, 3)])
    expected = frames[np.clip(np.arange(20) + step, 0, 19)]
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize("frames", [3, 5])
def test_streaming_equals_the_whole_clip_at_once_whatever_the_batch(frames):
    torch.manual_seed(1)
    net = build_generator(GeneratorConfig(channels=8, blocks=1, frames=frames))  # type: ignore[arg-type]
    torch.nn.init.normal_(net.heads.weight, 0, 0.3)
    clip, model = speckle(13, 64, 64), of_frames(net, frames)
    parts = {batch: enhanced(model, clip, batch) for batch in (1, 8, 64)}
    assert [chunk.start for chunk in parts[8]] == [0, 8]
    whole = {batch: np.concatenate([chunk.g for chunk in chunks]) for batch, chunks in parts.items()}
    assert len(parts[64]) == 1
    np.testing.assert_allclose(whole[1], whole[64], atol=1e-5)
    np.testing.assert_allclose(whole[8], whole[64], atol=1e-5)

    x = torch.from_numpy(WorkingSpace(whole_sector(64, 64), 64).enter(clip))
    step = {3: (-3, 0, 3), 5: (-8, -3, 0, 3, 8)}[frames]
    stack = torch.stack([x[[min(max(i + s, 0), 12) for s in step]] for i in range(13)])
    with torch.no_grad():
        by_hand = net(stack)[:, 0].clamp(-1, 1).numpy()
    np.testing.assert_allclose(whole[8], by_hand, atol=1e-5)
    alone = np.concatenate([chunk.g for chunk in enhanced(model, clip, 8, fps=4.0)])
    assert np.abs(alone - whole[8]).mean() > 1e-3  # the neighbours did count


def test_the_chunks_of_a_clip_hold_their_own_frames_alone():
    for chunk in itertools.islice(enhanced(of_frames(Neighbour(4), 5), speckle(9, 64, 64), 4), 2):
        assert chunk.x.base is None or chunk.x.base.nbytes == chunk.x.nbytes
