"""Ablation study: what each part of the training contributes."""
