"""The clip player, a custom component."""
