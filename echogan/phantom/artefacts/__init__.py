"""What makes an echo poor, in simulated clips and on real frames."""
