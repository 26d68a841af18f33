"""What `eval.hallucination` says of one diagnostic, for tests of tables."""


def about(mean):
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}


SEEN = {
    "base_rate": 0.0123, "auroc": about(0.9), "auprc": about(0.4), "regions": 7, "found_at_1%": about(0.25),
    "found_at_5%": about(0.5),
}  # fmt: skip
