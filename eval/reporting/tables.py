"""Write the tables of README, model cards and docs, between `<!-- name -->` and `<!-- /name -->`.

python -m eval tables            write
python -m eval tables --check    write nothing

Exit code 1: a table or a result is stale, or a result misses its bar (`eval.reporting.bars`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eval.command import begin
from eval.measures.baselines import BUNDLED
from eval.paths import RESULTS, ROOT
from eval.reporting import (
    ablation_tables,
    archive_tables,
    clip_tables,
    hallucination_tables,
    haze_tables,
    hidden_wall_tables,
    image_tables,
    performance_tables,
    realism_tables,
    rivals_tables,
    segmentation_tables,
    semireal_tables,
    still_tables,
    study_tables,
)
from eval.reporting.bars import missed_bars
from eval.reporting.formats import NOT_MEASURED_YET
from eval.reporting.stale import stale_results

PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "checkpoints" / name / "README.md"
        for name in (*BUNDLED, "segmenter-phantom", "segmenter-walls")
    ),
    ROOT / "docs" / "archive.md",
    ROOT / "docs" / "phantom.md",
    ROOT / "docs" / "results.md",
)
MAKERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "image_quality": image_tables.image_quality,
    "image_quality_short": image_tables.image_quality_short,
    "speed": performance_tables.speed,
    "phantom_speed": performance_tables.phantom_speed,
    "memory": performance_tables.memory,
    "load": performance_tables.load,
    "archive": archive_tables.archive,
    "archive_rate": archive_tables.archive_rate,
    "realism": realism_tables.realism,
    "realism_blind": realism_tables.realism_blind,
    "segmentation": segmentation_tables.segmentation,
    "semi_real": segmentation_tables.semi_real,
    "area_error": segmentation_tables.area_error,
    "structures": segmentation_tables.structures,
    "views": still_tables.views,
    "grade_measures": still_tables.grade_measures,
    "retrained_segmenter": still_tables.retrained_segmenter,
    "grades": still_tables.grades,
    "hallucination": hallucination_tables.hallucination,
    "ladder": hallucination_tables.ladder,
    "rivals": rivals_tables.rivals,
    "haze": haze_tables.haze,
    "lesions": haze_tables.lesions,
    "hidden_walls": hidden_wall_tables.hidden_walls,
    "lesions_short": haze_tables.lesions_short,
    "semireal": semireal_tables.semireal,
    "frontier": haze_tables.frontier,
    "fans": haze_tables.fans,
    "stability": clip_tables.stability,
    "foreshortening": clip_tables.foreshortening,
    "study": study_tables.study,
    "segmenter": segmentation_tables.segmenter,
    "ablations": ablation_tables.ablations,
}
"""Name of a block -> the function that makes its table from a result."""
SHARED_RESULTS = {
    **dict.fromkeys(("semi_real", "area_error", "structures", "views", "grade_measures"), "segmentation"),
    "image_quality_short": "image_quality",
    "lesions_short": "lesions",
}
"""Name of a block -> its result, where that has another name."""


@dataclass(frozen=True)
class TablesSettings:
    """Write the tables, or only check them."""

    check: bool = False
    """write nothing; only say what is stale"""


def main(settings: TablesSettings) -> None:
    """Write the tables, or check them; exit code 1 with a line for each stale table, stale result and missed bar."""
    found = stale_results() + missed_bars()
    for page in PAGES:
        text = page.read_text()
        filled = fill(text)
        if filled != text and settings.check:
            found.append(f"{page.relative_to(ROOT)} has a stale table: run python -m eval tables.")
        elif filled != text:
            page.write_text(filled)
    if found:
        sys.exit("\n".join(found))


def fill(text: str) -> str:
    """The page with the table of every block that has a maker."""
    for name, make in MAKERS.items():
        source = RESULTS / f"{SHARED_RESULTS.get(name, name)}.json"
        block = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if block.search(text):
            table = make(json.loads(source.read_text())) if source.is_file() else NOT_MEASURED_YET
            text = block.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)
    return text


if __name__ == "__main__":
    begin(main, TablesSettings)
