"""Every classifier two-sample test of `eval.realism.realism`, against the real patients of the same grade."""

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
    """Each simulated sort against the real ones of its grade, ours less the sketch's, and two anchors.

    What is compared with the sketch is measured over `splits` partings, the rest over one.
    """
    patches = {name: cut_patches(pictures, PatchRules()) for name, pictures in samples.items()}

    def classifier(title: str, first: Patches, second: Patches, partings: int = 1) -> TwoSampleResult:
        result = two_sample(first, second, partings, steps)
        print(f"{title}: told apart in {result.accuracy:.1%}", flush=True)
        return result

    tests: dict[str, dict] = {}
    for look, grade in PAIRS:
        real = f"CAMUS {grade}"
        names = [n for n in (f"phantom {look}", f"sketch {look}", f"semi-real {look}") if n in patches]
        results = {
            n: classifier(
                f"{n} against {real}", patches[real], patches[n], 1 if n.startswith("semi-real") else splits
            )
            for n in names
        }
        tests |= {f"{n} against {real}": _as_dict(v) for n, v in results.items()}
        if f"sketch {look}" in results:
            tests[f"phantom {look} against {real}"]["less_sketch"] = difference(
                results[f"phantom {look}"], results[f"sketch {look}"]
            )
    anchors = {
        "CAMUS Good against CAMUS Poor": (patches["CAMUS Good"], patches["CAMUS Poor"]),
        "CAMUS Good against itself": patches["CAMUS Good"].halves(1),
    }
    return tests | {title: _as_dict(classifier(title, *pair)) for title, pair in anchors.items()}


def _as_dict(result: TwoSampleResult) -> dict:
    low, high = accuracy_interval(result)
    return {
        "accuracy": result.accuracy, "low": low, "high": high, "networks": list(result.runs),
        "test_groups": [len(result.first), len(result.second)], "test_patches": list(result.patches),
    }  # fmt: skip
