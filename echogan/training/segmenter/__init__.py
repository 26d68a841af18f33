"""Training of the segmenter on simulated frames."""
