"""The figure of the realism comparison: histograms, spectra and accuracies. It contains no image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eval.realism.data import PAIRS
from eval.realism.two_sample import PATCH

COLOURS = {"CAMUS": "#222222", "phantom": "#1f77b4", "sketch": "#ff7f0e", "semi-real": "#2ca02c"}


def draw_figure(result: dict[str, Any], path: Path) -> None:
    """Two rows, good and poor. Columns: grey histogram, radial spectrum, spectrum difference, accuracies."""
    figure = Figure(figsize=(15, 7), layout="constrained")
    panels = figure.subplots(2, 4)
    spacing = result["mm_per_pixel"]
    for row, (condition, grade) in zip(panels, PAIRS, strict=True):
        names = [f"CAMUS {grade}", f"phantom {condition}", f"sketch {condition}", f"semi-real {condition}"]
        names = [name for name in names if name in result["histograms"]]
        _histograms(row[0], result["histograms"], names)
        _spectra(row[1], result["spectra"], names)
        _difference(
            figure, row[2], np.array(result["spectrum_difference_db"][condition]), spacing, condition, grade
        )
        _accuracies(row[3], result["two_sample"], f"CAMUS {grade}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _colour(name: str) -> str:
    return next(colour for start, colour in COLOURS.items() if name.startswith(start))


def _histograms(panel: Any, histograms: dict, names: list[str]) -> None:
    for name in names:
        shares = np.array(histograms[name])
        panel.plot(np.arange(len(shares)) * 256 / len(shares), 100 * shares, color=_colour(name), label=name)
    panel.set(xlabel="grey level inside the fan", ylabel="% of pixels", ylim=(0, 12))
    panel.legend(frameon=False)


def _spectra(panel: Any, spectra: dict, names: list[str]) -> None:
    for name in names:
        panel.semilogx(spectra["cycles_per_mm"], spectra[name], color=_colour(name), label=name)
    panel.set_xticks([0.05, 0.1, 0.2, 0.4, 0.8], ["0.05", "0.1", "0.2", "0.4", "0.8"])
    panel.set_xticks([], minor=True)
    panel.set(xlabel="cycles per mm", ylabel="power of a patch, dB of its energy", ylim=(-70, -10))


def _difference(figure: Any, panel: Any, decibels: np.ndarray, mm: float, condition: str, grade: str) -> None:
    edge = 0.5 / mm
    shown = panel.imshow(
        decibels.reshape(PATCH, PATCH), cmap="RdBu_r", vmin=-10, vmax=10, extent=(-edge, edge, edge, -edge)
    )
    panel.set(xlabel="across, cycles per mm", ylabel="down, cycles per mm")
    panel.set_title(f"phantom {condition} less CAMUS {grade}", fontsize=9)
    figure.colorbar(shown, ax=panel, label="dB")


def _accuracies(panel: Any, tests: dict, real: str) -> None:
    titles = [title for title in tests if title.endswith(f"against {real}") or title.startswith(f"{real} ")]
    for place, title in enumerate(titles):
        test = tests[title]
        panel.plot([100 * test["low"], 100 * test["high"]], [place, place], color="#666666", linewidth=3)
        panel.plot(100 * test["accuracy"], place, "o", color=_colour(title))
    panel.axvline(50, color="#bbbbbb", linestyle=":")
    panel.set_yticks(range(len(titles)), titles, fontsize=7)
    panel.set(
        xlim=(40, 100),
        ylim=(len(titles) - 0.5, -0.5),
        xlabel="classified correctly, % of patches (95 % interval)",
    )
