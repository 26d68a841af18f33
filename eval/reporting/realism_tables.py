"""The tables of the realism of simulated frames."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import markdown_table, with_interval

GRADE_SOURCES = (
    "CAMUS Good",
    "CAMUS Poor",
    "phantom clean",
    "phantom degraded",
    "CAMUS ratio",
    "phantom ratio",
)


def realism(result: dict[str, Any]) -> str:
    """The accuracies of the two-sample tests, and each image statistic beside that of real frames."""
    tests = []
    for name, found in result["two_sample"].items():
        less = found.get("less_sketch")
        accuracy = with_interval(found | {"mean": found["accuracy"]}, 3)
        tests.append([name, accuracy, with_interval(less, 3, "+") if less else ""])
    heads = ["classifier two-sample test", "accuracy (95 %)", "minus the sketch's accuracy"]
    parts = [markdown_table(heads, tests), _statistics(result)]
    if "grades" in result:
        parts.append(_grades(result["grades"]))
    counts = ", ".join(f"{name} {count['groups']}" for name, count in result["counts"].items())
    parts.append(
        "An accuracy of 0.5 is chance: the two sources cannot be separated. The sketch is an earlier "
        f"simulator. Patients or hearts: {counts}. Phantom {result['phantom']}."
    )
    return "\n\n".join(parts)


def _statistics(result: dict[str, Any]) -> str:
    rows = []
    for condition, statistics in result["statistics"].items():
        for name, found in statistics.items():
            real = next(value for key, value in found.items() if key.startswith("CAMUS"))
            own = found[f"phantom {condition}"]
            rows.append([f"{condition}: {name}", _spread(real), _spread(own), _yes(found["inside"])])
    coherence = result["coherence"]
    for condition, inside in coherence["inside"].items():
        real, own = coherence["real percentiles"], coherence[f"phantom {condition}"]
        rows.append([f"{condition}: frame-to-frame coherence", _spread(real), _spread(own), _yes(inside)])
    return markdown_table(
        ["statistic, median (10-90 %)", "real", "phantom", "median inside the real range"], rows
    )


def _grades(grades: dict[str, Any]) -> str:
    """Measures that fall with the expert's grade, and the ratio of poor to good, real and simulated."""
    rows = [
        [name.replace("_", " "), *(f"{found[source]:.3f}" for source in GRADE_SOURCES)]
        for name, found in grades.items()
    ]
    return markdown_table(["measure that falls with the grade, mean", *GRADE_SOURCES], rows)


def _spread(values: dict[str, float]) -> str:
    return f"{values['p50']:.2f} ({values['p10']:.2f} to {values['p90']:.2f})"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def realism_blind(result: dict[str, Any]) -> str:
    """The accuracy of the blind test."""
    accuracy = with_interval(result | {"mean": result["accuracy"]}, 2)
    return (
        f"The reader classified {result['right']} of {result['crops']} crops correctly as real or simulated (half "
        f"are real): accuracy {accuracy}, where 0.5 is chance. Reader: {result['reader']}. Phantom {result['phantom']}."
    )
