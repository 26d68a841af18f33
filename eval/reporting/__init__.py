"""Tables and pictures for README, model cards and docs, made from the results."""
