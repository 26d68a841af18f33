"""A small study in a folder, with stimuli of a few frames: opened, and with a reader's link."""

import hashlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.study.default_protocols import FIDELITY, GUESS, PAIR, SINGLE
from echogan.study.design import Case
from echogan.study.protocol import Part, Protocol
from echogan.study.readiness import needed_shows, open_study
from echogan.study.store.lifecycle import Stimulus, begin, confirm_media
from echogan.study.store.store import Store

FRAMES, FPS, SIDE = 6, 25.0, 48
PARTS = {"single": SINGLE, "pair": PAIR, "guess": GUESS, "fidelity": FIDELITY}
VIEWS = ("A4C", "A2C", "PLAX")
LEVELS = {"original": (90,), "enhanced": (200,), "enhanced_left": (200, 90), "enhanced_right": (90, 200)}
"""Grey level of each half of a stimulus: a test can tell the arms apart by the pixels, and by nothing else."""


def small_protocol(*kinds: str, repeats: int = 2, training: int = 0, **settings) -> Protocol:
    """A protocol with these parts."""
    parts = tuple(
        Part(kind, PARTS[kind].items, training, 0.0, repeats * (2 if kind == "single" else 1), None, kind == "fidelity")
        for kind in kinds
    )  # fmt: skip
    return Protocol("small", "Small study", parts, **({"washout_days": 0.0, "readers": 2} | settings))


def small_study(
    folder: Path, protocol: Protocol, clips: int = 8, training: int = 0, opened: bool = True
) -> Store:
    """A study of `clips` clips, each of another patient, under the seed 1."""
    store = Store.create(folder)
    cases = [Case(f"c{i:03d}", f"p{i:03d}", VIEWS[i % 3], "poor") for i in range(clips)]
    cases += [Case(f"t{i:03d}", f"q{i:03d}", VIEWS[i % 3], "poor", "training") for i in range(training)]
    shows = {show for part in protocol.parts for show in needed_shows(part)}
    stimuli = [_stimulus(store, case.clip, show) for case in cases for show in sorted(shows)]
    begin(store, "owner", protocol, cases, stimuli, seed="1")
    if opened:
        open_small(store)
    return store


def open_small(store: Store) -> None:
    """Open a draft, as its owner does."""
    confirm_media(store, "owner")
    open_study(store, "owner", lasting=True)


def _stimulus(store: Store, clip: str, show: str) -> Stimulus:
    name = hashlib.sha256(f"{clip}/{show}".encode()).hexdigest()[:32]
    content = _video(LEVELS[show])
    (store.media / f"{name}.webm").write_bytes(content)
    encoding = {"width": SIDE * len(LEVELS[show]), "height": SIDE, "frames": FRAMES, "fps": FPS}
    return Stimulus(name, clip, show, hashlib.sha256(content).hexdigest(), len(content), "", encoding)


@cache
def _video(levels: tuple[int, ...], size: int = 20_000) -> bytes:
    """A bar that moves from frame to frame, on one grey level for each pane; padded to `size` bytes."""
    drawn = []
    for index in range(FRAMES):
        panes = [np.full((SIDE, SIDE), level, np.uint8) for level in levels]
        for pane in panes:
            pane[:, 4 + 6 * index : 8 + 6 * index] = 20
        drawn.append(np.concatenate(panes, axis=1))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out.webm"
        like = ClipFile(
            path.with_name("in.webm"), "webm", FRAMES, *drawn[0].shape, FPS, False, lambda: iter(drawn)
        )
        write_clip(path, drawn, like)
        content = path.read_bytes()
    # A Void element of EBML, with its size in eight bytes.
    left = size - len(content) - 9
    assert left >= 0
    return content + b"\xec" + (left | 1 << 56).to_bytes(8, "big") + bytes(left)
