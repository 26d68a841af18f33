"""Realism of the phantom: image statistics, a classifier two-sample test, contact sheets and a blind test.

    python -m eval realism                                        writes eval/results/realism.json and its figure
    python -m eval realism sheets --out runs/realism              real beside simulated, in an ignored folder
    python -m eval realism blind --out runs/realism/blind         40 shuffled crops, and the key in another folder
    python -m eval realism score --answers FILE --reader WHO      the reader's accuracy

The real images are CAMUS stills and a few clips beside the project. Without them nothing is measured.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import tyro

from echogan.core.version import __version__
from echogan.phantom import PHANTOM_VERSION
from eval.command import begin, write
from eval.paths import RESULTS, SHARED
from eval.realism.clips import compare_coherence
from eval.realism.data import MM, PAIRS, RENDERED, Condition, Picture, camus, phantom, semireal, sketch
from eval.realism.figure import draw_figure
from eval.realism.grades import compare_grades
from eval.realism.sheets import score, write_blind, write_sheets
from eval.realism.statistics import compare_statistics, histogram, mean_spectrum, radial
from eval.realism.two_sample import PatchRules
from eval.realism.two_sample_tests import two_sample_tests

FIRST_SEED = 1_600_000_000
NO_DATA = "No CAMUS stills in {}: realism is not measured."


@dataclass(frozen=True)
class MeasureRealism:
    """Measure, and write the result and its figure."""

    data: Path = field(default=SHARED / "data", metadata={"help": "folder with camus/ and clips/"})
    sketch: Path = field(
        default=SHARED / "prototypes" / "phantom", metadata={"help": "folder of the earlier simulator"}
    )
    hearts: int = field(default=200, metadata={"help": "number of hearts, of the phantom and of the sketch"})
    patients: int = field(default=200, metadata={"help": "most CAMUS patients of each grade"})
    splits: int = field(
        default=2, metadata={"help": "random splits of each test that is compared with the sketch"}
    )
    steps: int = field(default=600, metadata={"help": "training steps of each classifier"})
    clips: int = field(default=24, metadata={"help": "phantom clips for the frame-to-frame coherence"})
    clip_frames: int = field(default=6, metadata={"help": "frames of each of these clips"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first heart"})
    out: Path = field(default=RESULTS / "realism.json", metadata={"help": "JSON to write"})
    figure: Path = field(default=RESULTS / "realism.png", metadata={"help": "figure to write"})

    def run(self) -> None:
        """Measure, print, write. Nothing is written without the stills."""
        if not (self.data / "camus" / "index.csv").is_file():
            print(NO_DATA.format(self.data))
            return
        samples = gather(self)
        result = measure(samples, self)
        if write(result, self.out, self, compared):
            draw_figure(result, self.figure)


@dataclass(frozen=True)
class WriteSheets:
    """Write contact sheets of real beside simulated frames into an ignored folder."""

    out: Path = field(default=Path("runs/realism"), metadata={"help": "folder to write"})
    data: Path = field(default=SHARED / "data", metadata={"help": "folder with camus/"})
    first_seed: int = field(default=FIRST_SEED + 500_000, metadata={"help": "seed of the first heart"})

    def run(self) -> None:
        """Write the sheets and print their paths."""
        if not (self.data / "camus" / "index.csv").is_file():
            print(f"No CAMUS stills in {self.data}: the sheets show simulated frames only.")
        for path in write_sheets(self.data / "camus", self.out, self.first_seed):
            print(path, flush=True)


@dataclass(frozen=True)
class WriteBlindTest:
    """Write shuffled crops for a reader who did not build the phantom, and the key into another folder."""

    out: Path = field(default=Path("runs/realism/blind"), metadata={"help": "folder of the crops"})
    key: Path = field(default=Path("runs/realism/key/blind.json"), metadata={"help": "file of the key"})
    data: Path = field(default=SHARED / "data", metadata={"help": "folder with camus/"})
    seed: int = field(default=FIRST_SEED + 700_000, metadata={"help": "seed of the hearts and of the order"})

    def run(self) -> None:
        """Write the crops and the key."""
        if not (self.data / "camus" / "index.csv").is_file():
            print(NO_DATA.format(self.data))
            return
        write_blind(self.data / "camus", self.out, self.key, self.seed)
        print(f"{self.out}: answer each crop in a line, with its number and real or phantom. Key: {self.key}")


@dataclass(frozen=True)
class ScoreBlindTest:
    """Score a reader's answers against the key."""

    answers: Path = field(metadata={"help": "file with lines such as: 01 real"})
    reader: str = field(metadata={"help": "who the reader was, for the result"})
    key: Path = field(default=Path("runs/realism/key/blind.json"), metadata={"help": "file of the key"})
    out: Path = field(default=RESULTS / "realism_blind.json", metadata={"help": "JSON to write"})

    def run(self) -> None:
        """Write and print the accuracy with its exact 95 % interval."""
        result = score(self.answers, self.key) | {"reader": self.reader, "phantom": PHANTOM_VERSION}
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.out.write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(result, indent=1))


RealismCommand = (
    Annotated[MeasureRealism, tyro.conf.subcommand("measure")]
    | Annotated[WriteSheets, tyro.conf.subcommand("sheets")]
    | Annotated[WriteBlindTest, tyro.conf.subcommand("blind")]
    | Annotated[ScoreBlindTest, tyro.conf.subcommand("score")]
)


def gather(settings: MeasureRealism) -> dict[str, list[Picture]]:
    """All frames to compare, by source: CAMUS Good and Poor, phantom and sketch clean and degraded, semi-real."""
    stills, patients = settings.data / "camus", settings.patients
    samples = {f"CAMUS {grade}": camus(stills, grade, patients) for grade in ("Good", "Poor")}
    samples["semi-real degraded"] = semireal(stills, patients, settings.first_seed)
    conditions: tuple[Condition, ...] = ("clean", "degraded")
    sources = {"phantom": lambda seed: phantom(conditions, seed)}
    if (settings.sketch / "fast.py").is_file():
        sources["sketch"] = lambda seed: sketch(conditions, seed - settings.first_seed, settings.sketch)
    else:
        print(f"No sketch in {settings.sketch}: the phantom is not compared with it.")
    for name, make in sources.items():
        made = [make(settings.first_seed + k) for k in range(settings.hearts)]
        samples |= {f"{name} {condition}": [one[condition][0] for one in made] for condition in conditions}
        print(f"{settings.hearts} hearts of the {name} rendered", flush=True)
    return samples


def measure(samples: dict[str, list[Picture]], settings: MeasureRealism) -> dict:
    """The result as JSON."""
    spectra = {name: mean_spectrum(pictures) for name, pictures in samples.items()}
    frequency, _ = radial(spectra["CAMUS Good"], MM)
    result = {
        "data": "CAMUS apical four-chamber stills by patient; simulated hearts by seed; all at equal mm per pixel",
        "statistics": {
            condition: compare_statistics(
                samples,
                f"CAMUS {grade}",
                f"phantom {condition}",
                f"sketch {condition}",
                f"semi-real {condition}",
            )
            for condition, grade in PAIRS
        },
        "grades": compare_grades(settings.data / "camus", _seeds(settings)),
        "coherence": compare_coherence(
            settings.data / "clips", settings.sketch, _clip_seeds(settings), settings.clip_frames
        ),
        "two_sample": two_sample_tests(samples, settings.splits, settings.steps),
        "histograms": {name: _rounded(histogram(pictures)) for name, pictures in samples.items()},
        "spectra": {
            "cycles_per_mm": _rounded(frequency),
            **{name: _rounded(_decibels(radial(power, MM)[1])) for name, power in spectra.items()},
        },
        "spectrum_difference_db": {
            condition: _rounded(
                _decibels(spectra[f"phantom {condition}"]) - _decibels(spectra[f"CAMUS {grade}"])
            )
            for condition, grade in PAIRS
        },
        "counts": {
            name: {"groups": len({p.group for p in pictures}), "frames": len(pictures)}
            for name, pictures in samples.items()
        },
    }
    return result | made_with(settings)


def compared(result: dict) -> list[str]:
    """Every test, sample and real clip of a result."""
    return [*result["two_sample"], *result["counts"], *result["coherence"]["real"]]


def _seeds(settings: MeasureRealism) -> range:
    return range(settings.first_seed, settings.first_seed + settings.hearts)


def _clip_seeds(settings: MeasureRealism) -> range:
    return range(settings.first_seed, settings.first_seed + settings.clips)


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(power + 1e-12)


def _rounded(values: np.ndarray) -> list:
    return np.round(values.astype(np.float64), 4).tolist()


def made_with(settings: MeasureRealism) -> dict:
    """Phantom, settings and versions of a result, which uses no checkpoint."""
    own = {key: value for key, value in asdict(settings).items() if not isinstance(value, Path)}
    return {
        "phantom": PHANTOM_VERSION,
        "mm_per_pixel": MM,
        "rendered_pixels": RENDERED,
        "settings": own | {"patches": asdict(PatchRules())},
        "versions": {
            "echogan": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "python": platform.python_version(),
        },
    }


def main(command: MeasureRealism | WriteSheets | WriteBlindTest | ScoreBlindTest) -> None:
    """Run the subcommand."""
    torch.set_num_threads(1)
    command.run()


if __name__ == "__main__":
    begin(main, RealismCommand, default=MeasureRealism(), description=__doc__)
