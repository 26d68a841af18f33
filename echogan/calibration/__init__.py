"""Calibration of a checkpoint: simulated clips with known errors, and the thresholds that follow from them."""
