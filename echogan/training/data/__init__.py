"""The frames of a training step: simulated clips and shards."""
