"""All classifier two-sample tests: simulated against real frames of the same grade, and two reference tests."""

from __future__ import annotations

from eval.realism.data import PAIRS, Picture
from eval.realism.two_sample import (
    Patches,
    PatchRules,
    TwoSampleResult,
    accuracy_interval,
    cut_patches,
    difference,
    two_sample,
)


def two_sample_tests(samples: dict[str, list[Picture]], splits: int, steps: int) -> dict:
    """Each simulated source against the real frames of its grade, the difference from the sketch, two references.

    Tests that are compared with the sketch have `splits` random splits, the others have one.
    """
    patches = {name: cut_patches(pictures, PatchRules()) for name, pictures in samples.items()}

    def classifier(title: str, first: Patches, second: Patches, splits: int = 1) -> TwoSampleResult:
        result = two_sample(first, second, splits, steps)
        print(f"{title}: accuracy {result.accuracy:.1%}", flush=True)
        return result

    tests: dict[str, dict] = {}
    for condition, grade in PAIRS:
        real = f"CAMUS {grade}"
        names = [
            n
            for n in (f"phantom {condition}", f"sketch {condition}", f"semi-real {condition}")
            if n in patches
        ]
        results = {
            n: classifier(
                f"{n} against {real}", patches[real], patches[n], 1 if n.startswith("semi-real") else splits
            )
            for n in names
        }
        tests |= {f"{n} against {real}": _as_dict(v) for n, v in results.items()}
        if f"sketch {condition}" in results:
            tests[f"phantom {condition} against {real}"]["less_sketch"] = difference(
                results[f"phantom {condition}"], results[f"sketch {condition}"]
            )
    references = {
        "CAMUS Good against CAMUS Poor": (patches["CAMUS Good"], patches["CAMUS Poor"]),
        "CAMUS Good against itself": patches["CAMUS Good"].halves(1),
    }
    return tests | {title: _as_dict(classifier(title, *pair)) for title, pair in references.items()}


def _as_dict(result: TwoSampleResult) -> dict:
    low, high = accuracy_interval(result)
    return {
        "accuracy": result.accuracy, "low": low, "high": high, "networks": list(result.runs),
        "test_groups": [len(result.first), len(result.second)], "test_patches": list(result.patches),
    }  # fmt: skip
