"""How often the intervals of the reader-study analysis hold, by simulation."""
