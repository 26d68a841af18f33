"""Evaluations behind the tables: `python -m eval NAME` runs one and writes its result to eval/results."""
