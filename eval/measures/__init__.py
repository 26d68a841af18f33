"""Image metrics, intervals, and the baseline methods that evaluations compare."""
