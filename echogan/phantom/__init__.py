"""Simulated echo with known truth, in pure torch: anatomy, motion, acoustics, artefacts, rendering."""

PHANTOM_VERSION = "1.3.0"
"""Changes whenever one seed gives another clip; stands in every checkpoint and result made from the phantom.

The third number alone: other clips of the same kind, so that what was measured on many of them still holds.
1.3.0: random streams only, one for each artefact by its name; all ranges and distributions are those of 1.2.
"""
