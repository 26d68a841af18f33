"""Contact sheets of real beside simulated frames, and the crops of the blind test.

The real images may not be copied into the project, so these files belong in an ignored folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.stats import binomtest
from torch import Tensor

from echogan.core.errors import EchoGANError
from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.artefacts.degradation import ARTEFACTS, DegradationSettings, draw_degradation, only
from echogan.phantom.draw import Draw
from echogan.phantom.render import Phantom
from eval.realism.data import PAIRS, Picture, camus, phantom, semireal

ROW = 6
CROP = 120  # pixels of a blind crop at 0.6 mm: 72 mm
ENLARGED = 3
KINDS = ("real", "phantom")


def write_sheets(camus_folder: Path, out: Path, first_seed: int) -> Iterator[Path]:
    """Write the sheets as PNG and yield their paths: real beside simulated, semi-real, each view, each degradation."""
    out.mkdir(parents=True, exist_ok=True)
    seeds = range(first_seed, first_seed + ROW)
    if (camus_folder / "index.csv").is_file():
        made = [phantom(("clean", "degraded"), seed) for seed in range(first_seed, first_seed + 2 * ROW)]
        stills = {grade: camus(camus_folder, grade, 2 * ROW)[::2] for _, grade in PAIRS}
        for condition, grade in PAIRS:
            yield _save(
                [*_tiles(stills[grade]), *_tiles([one[condition][0] for one in made])],
                out / f"{condition}.png",
            )
        poorer = semireal(camus_folder, 2 * ROW)[: 2 * ROW : 2]
        rows = [*_tiles(stills["Good"][:ROW]), *_tiles(poorer), *_tiles(stills["Poor"])]
        yield _save(rows, out / "semireal.png")
    for view in VIEWS:
        clips = [Phantom(view, seed, frames=2).render(want=("clean", "degraded")) for seed in seeds]
        rows = [[_last(clip.clean) for clip in clips], [_last(clip.degraded) for clip in clips]]
        yield _save(rows, out / f"view-{view}.png")
    hearts = [Phantom("A4C", seed, frames=2) for seed in seeds]
    clean = [_last(heart.render(want=("clean",)).clean) for heart in hearts]
    for artefact in ARTEFACTS:
        ranges = only(DegradationSettings(), artefact)
        drawn = [draw_degradation(Draw(seed), ranges) for seed in seeds]
        clips = [h.render(degradation=d, want=("degraded",)) for h, d in zip(hearts, drawn, strict=True)]
        yield _save([clean, [_last(clip.degraded) for clip in clips]], out / f"only-{artefact}.png")


def _last(frames: Tensor | None) -> np.ndarray:
    """The last frame of a rendered clip, in which persistence shows."""
    assert frames is not None
    return frames[-1].numpy()


def _tiles(pictures: Sequence[Picture]) -> list[list[np.ndarray]]:
    """Rows of tiles, all at the same millimetres per pixel, black outside the fan."""
    tiles = [np.where(p.mask, p.grey, 0).astype(np.uint8) for p in pictures]
    return [tiles[k : k + ROW] for k in range(0, len(tiles), ROW)]


def _save(rows: list[list[np.ndarray]], path: Path) -> Path:
    height = max(tile.shape[0] for row in rows for tile in row)
    width = max(tile.shape[1] for row in rows for tile in row)
    sheet = np.zeros((len(rows) * height, ROW * width), np.uint8)
    for i, row in enumerate(rows):
        for j, tile in enumerate(row[:ROW]):
            sheet[i * height : i * height + tile.shape[0], j * width : j * width + tile.shape[1]] = tile
    Image.fromarray(sheet).save(path)
    return path


def write_blind(camus_folder: Path, out: Path, key: Path, seed: int, of_each: int = 20) -> None:
    """Write `2 * of_each` shuffled crops 01.png ... to `out`, and the truth to `key` (JSON) in another folder.

    Half of the crops of each kind are good (CAMUS Good, phantom clean) and half poor. Each crop is 72 x 72 mm inside
    the fan. Raises EchoGANError where key and crops share a folder.
    """
    if key.resolve().parent == out.resolve():
        raise EchoGANError("Keep the key in another folder than the crops: the reader must not see it.")
    half = of_each // 2
    crops: list[tuple[str, str, np.ndarray]] = []
    for condition, grade in PAIRS:
        rng = np.random.default_rng(seed + len(crops))
        real = rng.permutation(np.array([*camus(camus_folder, grade, 2 * of_each), None], object)[:-1])
        # Each condition has hearts of its own: two crops of one heart could be recognised as a pair.
        seeds = range(seed + 1000 * len(crops), seed + 1000 * len(crops) + 4 * of_each)
        simulated = (phantom((condition,), s)[condition][0] for s in seeds)
        for kind, pictures in zip(KINDS, (real, simulated), strict=True):
            found = _crops(pictures, half, rng)
            crops += [(kind, group, crop) for group, crop in found]
    order = np.random.default_rng(seed).permutation(len(crops))
    out.mkdir(parents=True, exist_ok=True)
    key.parent.mkdir(parents=True, exist_ok=True)
    truth = {}
    for number, place in enumerate(order, 1):
        kind, group, crop = crops[place]
        Image.fromarray(crop).save(out / f"{number:02d}.png")
        truth[f"{number:02d}"] = {"kind": kind, "of": group}
    key.write_text(json.dumps(truth, indent=1) + "\n")


def _crops(pictures, count: int, rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """One random square inside the fan per patient or seed, from the first picture in which it fits."""
    found: dict[str, np.ndarray] = {}
    for picture in pictures:
        corner = _corner(picture, rng)
        if corner is None or picture.group in found:
            continue
        y, x = corner
        crop = picture.grey[y : y + CROP, x : x + CROP]
        big = cv2.resize(crop, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
        found[picture.group] = big.round().clip(0, 255).astype(np.uint8)
        if len(found) == count:
            break
    return list(found.items())


def _corner(picture: Picture, rng: np.random.Generator) -> tuple[int, int] | None:
    inside = cv2.erode(picture.mask.astype(np.uint8), np.ones((CROP, CROP), np.uint8), anchor=(0, 0),
                       borderType=cv2.BORDER_CONSTANT, borderValue=0)  # fmt: skip
    places = np.argwhere(inside)
    return tuple(places[rng.integers(len(places))].tolist()) if len(places) else None


def score(answers: Path, key: Path) -> dict[str, float]:
    """Share of crops classified correctly, with its exact (Clopper-Pearson) 95 % interval.

    An answer is a line with a number and a word, `01 real`. Raises EchoGANError where a file is missing, or where a
    crop of the key has no answer.
    """
    if missing := [str(path) for path in (answers, key) if not path.is_file()]:
        raise EchoGANError(f"No such file: {' and '.join(missing)}.")
    truth = {name: entry["kind"] for name, entry in json.loads(key.read_text()).items()}
    lines = (line.split() for line in answers.read_text().replace(",", " ").splitlines())
    given = {Path(line[0]).stem.zfill(2): line[-1].lower() for line in lines if line}
    if set(given) != set(truth) or not set(given.values()) <= set(KINDS):
        raise EchoGANError("Answer each crop once, in a line with its number and the word real or phantom.")
    right = sum(given[name] == kind for name, kind in truth.items())
    found = binomtest(right, len(truth))
    interval = found.proportion_ci(method="exact")
    return {
        "right": right, "crops": len(truth), "accuracy": right / len(truth),
        "low": float(interval.low), "high": float(interval.high), "p_chance": float(found.pvalue),
    }  # fmt: skip
