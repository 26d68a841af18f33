"""Writes the measured numbers into README.md and the model cards, between `<!-- name -->` and `<!-- /name -->`.

python -m eval tables            write
python -m eval tables --check    exit 1 where a table is not what the results say
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from echogan.model.checkpoints.checkpoint import DEFAULT, bundled_checkpoints, describe_checkpoint
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.phantom import PHANTOM_VERSION
from eval.camus.splits import split_hash
from eval.camus.two_chamber import list_hash
from eval.command import begin
from eval.measures import classical
from eval.measures.baselines import enhancing
from eval.paths import ORACLE, RESULTS, ROOT
from eval.reporting import haze_tables, image_tables, result_tables, still_tables
from eval.reporting.image_tables import signed

DATED = ("ablations", "classical", "realism", "realism_blind")
"""Results that stay those of the phantom that they name beside their table: they take hours, or a reader."""
PAGES = (
    ROOT / "README.md",
    ROOT / "checkpoints" / DEFAULT / "README.md",
    ROOT / "checkpoints" / "echogan-camus" / "README.md",
    ROOT / "checkpoints" / "segmenter-phantom" / "README.md",
    ROOT / "docs" / "phantom.md",
    ROOT / "docs" / "results.md",
)


@dataclass(frozen=True)
class Settings:
    """Write the tables, or only check them."""

    check: bool = False
    """change nothing; exit 1 where a table or a result is stale"""


def main(settings: Settings) -> None:
    """Fill every block of every page, or say which are stale."""
    stale = stale_results()
    for page in PAGES:
        text = page.read_text()
        filled = fill(text)
        if filled != text and settings.check:
            stale.append(
                f"{page.relative_to(ROOT)} is not what eval/results says: run python -m eval tables."
            )
        elif filled != text:
            page.write_text(filled)
    if stale:
        sys.exit("\n".join(stale))


def fill(text: str) -> str:
    """The page with each block that has a maker replaced by its table."""
    for name, make in MAKERS.items():
        source = RESULTS / f"{SHARED_RESULTS.get(name, name)}.json"
        block = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if block.search(text):
            table = make(json.loads(source.read_text())) if source.is_file() else still_tables.NOT_YET
            text = block.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)
    return text


def stale_results() -> list[str]:
    """Results that were measured with other weights than the bundled ones, or on another phantom."""
    bundled = {folder.name: describe_checkpoint(folder).sha256 for folder in bundled_checkpoints()}
    current = {
        "segmenter": load_segmenter(ROOT / "checkpoints" / "segmenter-phantom").sha256,
        "phantom": kind(PHANTOM_VERSION),
        "oracle": describe_checkpoint(ORACLE).sha256,
        "classical": hashlib.sha256(classical.RESULT.read_bytes()).hexdigest(),
        "split": split_hash(),
        "views": list_hash(),
        "enhancing": enhancing(),
    }
    stale = []
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        told = [result.get("model"), *result.get("models", ()), *result.get("others", ())]
        own = {m["name"]: m["sha256"] for m in told if m and m["name"] in bundled}
        strangers = {m["name"] for m in (result.get("model"), *result.get("models", ())) if m} - set(bundled)
        stale += [
            f"{path.name} was measured with {name}, which is not bundled." for name in sorted(strangers)
        ]
        found = {
            **own,
            "segmenter": result.get("segmenter", {}).get("sha256"),
            "phantom": kind(result["phantom"]) if "phantom" in result else None,
            "oracle": result.get("oracle", {}).get("sha256"),
            "classical": result.get("classical"),
            "split": result.get("split_sha256"),
            "views": result.get("views_sha256"),
            "enhancing": result.get("enhancing"),
        }
        now = bundled | current
        stale += [
            f"{path.name} was measured with another {what} ({value[:12]}, now {now[what][:12]}): "
            f"run python -m eval {COMMANDS.get(path.stem, path.stem)}."
            for what, value in found.items()
            if value is not None and value != now[what] and not (what == "phantom" and path.stem in DATED)
        ]
    return stale


def kind(phantom: str) -> str:
    """The first two numbers of a phantom's version: the same for clips of the same kind."""
    return ".".join(phantom.split(".")[:2])


def speed(result: dict[str, Any]) -> str:
    """Frames per second of both generators and of the whole way."""
    rows = ["| 256 x 256, batch 1 | this generator | ResNet-9, ngf 64 | ratio |", "|---|---|---|---|"]
    for device in ("cpu", "cuda"):
        found = result[device]
        if isinstance(found, str):
            rows.append(f"| {device.upper()} | {found} | {found} | |")
            continue
        ours, theirs, ratio = (found[key] for key in ("ours_fps", "reference_fps", "ratio"))
        rows.append(f"| {device.upper()} | {ours:.1f} frames/s | {theirs:.2f} frames/s | {ratio:.0f} x |")
    if step := result.get("training_step"):
        ours, theirs = (f"{step[key]:.2f} CPU-s" for key in ("ours_cpu_s", "reference_cpu_s"))
        rows.append(
            f"| one training step of both generators and discriminators, batch {step['batch']} | {ours} | {theirs} "
            f"| {step['ratio']:.0f} x |"
        )
    whole = result["enhance_cpu"]
    if isinstance(whole, dict):
        rows.append(
            f"\nThe whole way of a real cine ({whole['clip']}, {whole['frames']} frames of {whole['size'][0]} x "
            f"{whole['size'][1]}) to MP4, report and arrays: {whole['frames_per_s']:.1f} frames/s, the network on one "
            f"CPU thread ({result['processor']})."
        )
    return "\n".join(rows)


def phantom_speed(result: dict[str, Any]) -> str:
    """Pairs of simulated frames per core-second."""
    ours, cuda = result["pairs_per_core_second"], result["cuda_stream"]
    gpu = f"{cuda['frames_per_s']:,.0f} frames per second" if isinstance(cuda, dict) else cuda
    return (
        f"Pairs of a clean and a degraded frame, {result['frames_per_clip']}-frame clips at 256 x 256, building "
        f"included: {ours['median']:.0f} per core-second (10-90 % of {result['clips']} clips: {ours['low']:.0f} to "
        f"{ours['high']:.0f}; {result['processor']}). On a GPU: {gpu}. Phantom {result['phantom']}."
    )


def memory(result: dict[str, Any]) -> str:
    """Peak memory of a long clip against a short one, worst output."""
    short, long = result["frames"]
    return (
        f"Peak memory of a {long:,}-frame clip is at most {result['worst_ratio']:.2f} times that of a "
        f"{short}-frame clip, over {len(result['outputs'])} kinds of output."
    )


def realism(result: dict[str, Any]) -> str:
    """How well a classifier tells frames apart, and each statistic beside the real ones."""
    rows = ["| told apart by a small network | accuracy (95 %) | less the sketch's |", "|---|---|---|"]
    for name, found in result["two_sample"].items():
        less = found.get("less_sketch")
        cell = f"{found['accuracy']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
        rows.append(f"| {name} | {cell} | {signed(less, 3) if less else ''} |")
    rows += ["", "| statistic, median (10-90 %) | real | phantom | inside |", "|---|---|---|---|"]
    for look, statistics in result["statistics"].items():
        for name, found in statistics.items():
            real = next(value for key, value in found.items() if key.startswith("CAMUS"))
            inside = "yes" if found["inside"] else "no"
            rows.append(
                f"| {look}: {name} | {_spread(real)} | {_spread(found[f'phantom {look}'])} | {inside} |"
            )
    coherence = result["coherence"]
    for look, inside in coherence["inside"].items():
        real, ours = coherence["real percentiles"], coherence[f"phantom {look}"]
        verdict = "yes" if inside else "no"
        rows.append(f"| {look}: frame-to-frame coherence | {_spread(real)} | {_spread(ours)} | {verdict} |")
    if "grades" in result:
        rows += ["", *_grade_rows(result["grades"])]
    counts = ", ".join(f"{name} {count['groups']}" for name, count in result["counts"].items())
    rows.append(f"\nPatients or hearts: {counts}. Phantom {result['phantom']}.")
    return "\n".join(rows)


def _grade_rows(grades: dict[str, Any]) -> list[str]:
    """What falls with the expert's grade, and the ratio of poor to good, real and simulated."""
    sources = (
        "CAMUS Good",
        "CAMUS Poor",
        "phantom clean",
        "phantom degraded",
        "CAMUS ratio",
        "phantom ratio",
    )
    rows = ["| falls with the grade, mean | " + " | ".join(sources) + " |", "|---" * (1 + len(sources)) + "|"]
    for name, found in grades.items():
        rows.append(f"| {name.replace('_', ' ')} | " + " | ".join(f"{found[s]:.3f}" for s in sources) + " |")
    return rows


def realism_blind(result: dict[str, Any]) -> str:
    """The blind test's accuracy."""
    return (
        f"{result['right']} of {result['crops']} crops (half of them real) told right: {result['accuracy']:.2f} "
        f"[{result['low']:.2f}, {result['high']:.2f}], where 0.5 is guessing. Reader: {result['reader']}. "
        f"Phantom {result['phantom']}."
    )


def _spread(values: dict[str, float]) -> str:
    return f"{values['p50']:.2f} ({values['p10']:.2f} to {values['p90']:.2f})"


MAKERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "image_quality": image_tables.image_quality,
    "image_quality_short": image_tables.image_quality_short,
    "speed": speed,
    "phantom_speed": phantom_speed,
    "memory": memory,
    "realism": realism,
    "realism_blind": realism_blind,
    "segmentation": result_tables.segmentation,
    "semi_real": result_tables.semi_real,
    "area_error": result_tables.area_error,
    "structures": result_tables.structures,
    "views": still_tables.views,
    "grade_measures": still_tables.grade_measures,
    "retrained_segmenter": still_tables.retrained_segmenter,
    "grades": still_tables.grades,
    "haze": haze_tables.haze,
    "lesions": haze_tables.lesions,
    "frontier": haze_tables.frontier,
    "fans": haze_tables.fans,
    "stability": result_tables.stability,
    "foreshortening": result_tables.foreshortening,
    "segmenter": result_tables.segmenter,
    "ablations": result_tables.ablations,
}
COMMANDS = {"segmenter": "segmentation --segmenter segmenter-phantom", "realism_blind": "realism blind",
            "retrained_segmenter": "segmentation --retrain"}  # fmt: skip
SHARED_RESULTS = {
    "semi_real": "segmentation", "area_error": "segmentation", "structures": "segmentation",
    "views": "segmentation", "grade_measures": "segmentation",
    "image_quality_short": "image_quality",
}  # fmt: skip

if __name__ == "__main__":
    begin(main, Settings)
