"""Tables and pictures of README, cards and docs."""
