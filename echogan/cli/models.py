"""`python -m echogan models`: the checkpoints that come with the program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ListModels:
    """List the checkpoints that come with the program."""

    def run(self) -> int:
        """Print one line per checkpoint; returns the exit code."""
        # Imported here, so that the help of the program appears at once.
        from echogan.model.checkpoints.checkpoint import bundled_checkpoints, describe_checkpoint

        found = [describe_checkpoint(folder) for folder in bundled_checkpoints()]
        if not found:
            print("No checkpoints are bundled. Train one, or give --model a folder or user/model.")
            return 0
        rows = [("name", "sha256", "parameters", "working size", "license")]
        rows += [
            (m.name, m.sha256, f"{m.parameters:,}", f"{m.config.working_size} px", m.config.license)
            for m in found
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return 0
