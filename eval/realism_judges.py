"""Every classifier two-sample test of `eval.realism`, against the real patients of the same grade."""

from __future__ import annotations

from eval.realism_data import PAIRS, Picture
from eval.two_sample import (
    Patches,
    PatchRules,
    Verdict,
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

    def judge(title: str, first: Patches, second: Patches, partings: int = 1) -> Verdict:
        verdict = two_sample(first, second, partings, steps)
        print(f"{title}: told apart in {verdict.accuracy:.1%}", flush=True)
        return verdict

    tests: dict[str, dict] = {}
    for look, grade in PAIRS:
        real = f"CAMUS {grade}"
        names = [n for n in (f"phantom {look}", f"sketch {look}", f"semi-real {look}") if n in patches]
        verdicts = {
            n: judge(
                f"{n} against {real}", patches[real], patches[n], 1 if n.startswith("semi-real") else splits
            )
            for n in names
        }
        tests |= {f"{n} against {real}": _verdict(v) for n, v in verdicts.items()}
        if f"sketch {look}" in verdicts:
            tests[f"phantom {look} against {real}"]["less_sketch"] = difference(
                verdicts[f"phantom {look}"], verdicts[f"sketch {look}"]
            )
    anchors = {
        "CAMUS Good against CAMUS Poor": (patches["CAMUS Good"], patches["CAMUS Poor"]),
        "CAMUS Good against itself": patches["CAMUS Good"].halves(1),
    }
    return tests | {title: _verdict(judge(title, *pair)) for title, pair in anchors.items()}


def _verdict(verdict: Verdict) -> dict:
    low, high = accuracy_interval(verdict)
    return {
        "accuracy": verdict.accuracy, "low": low, "high": high, "networks": list(verdict.runs),
        "test_groups": [len(verdict.first), len(verdict.second)], "test_patches": list(verdict.patches),
    }  # fmt: skip
