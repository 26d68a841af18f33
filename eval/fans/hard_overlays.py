"""The overlay that a scanner draws over and beside a simulated fan: text, ticks, grey bar, icon and ECG trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

WORDS = (
    "MI 1.2",
    "TIS 0.8",
    "HR 72 bpm",
    "Adult Echo",
    "15 cm",
    "DOE^JANE",
    "A4C",
    "FR 54 Hz",
    "X5-1",
    "bpm",
)
GREEN, YELLOW, CYAN = (40, 220, 80), (240, 230, 60), (60, 210, 230)

Beat = Callable[[np.ndarray], np.ndarray]
"""One heart beat of a trace: its height, about 1 at the R wave, over the phase from 0 to 1."""


def usual_beat(phase: np.ndarray) -> np.ndarray:
    """One heart beat over its phase 0 to 1, 1 at the R wave: P, Q, R, S, T as Gaussians (McSharry et al., 2003)."""
    waves = (
        (0.2, 0.025, 0.12),
        (0.31, 0.008, -0.1),
        (0.34, 0.01, 1.0),
        (0.37, 0.01, -0.2),
        (0.58, 0.04, 0.25),
    )
    return sum(height * np.exp(-((phase - at) ** 2) / (2 * width**2)) for at, width, height in waves)  # type: ignore[return-value]


@dataclass(frozen=True)
class TraceStyle:
    """How a trace is drawn: its beat, and the range of its grey levels."""

    beat: Beat = usual_beat
    greys: tuple[float, float] = (90, 230)


USUAL = TraceStyle()


def draw_overlays(
    rng: np.random.Generator, frames: np.ndarray, truth: np.ndarray, style: TraceStyle = USUAL
) -> tuple[np.ndarray, np.ndarray | None]:
    """(frames, trace): float32 (T, H, W), or (T, H, W, 3) with a coloured overlay; trace bool (H, W) or None."""
    if rng.random() < 0.6:
        layer = _still_marks(rng, truth)
        frames = np.maximum(frames, layer)
    if rng.random() < 0.5:
        return draw_trace(rng, frames, truth, style)
    if rng.random() < 0.15:  # the same grey in three channels, or a uniform tint
        tint = np.array([1.0, rng.uniform(0.8, 1), rng.uniform(0.55, 1)], np.float32)
        frames = frames[..., None] * (tint if rng.random() < 0.5 else np.ones(3, np.float32))
    return frames, None


def _still_marks(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    """Text, ticks, a grey bar and an icon: float32 (H, W), 0 where nothing is drawn."""
    height, width = truth.shape
    layer, size = np.zeros(truth.shape, np.uint8), min(height, width) / 700
    bright = int(rng.integers(110, 255))
    for _ in range(rng.integers(0, 6)):
        anywhere = rng.random() < 0.25
        x = int(rng.uniform(0, 0.8) * width) if anywhere else int(rng.choice([2, 0.8 * width]))
        y = int(rng.uniform(0.05, 0.98) * height)
        scale = max(0.3, rng.uniform(0.6, 1.4) * size)
        cv2.putText(
            layer, str(rng.choice(WORDS)), (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, bright, 1, cv2.LINE_AA
        )
    if rng.random() < 0.4:
        x = int(rng.choice([0.01, 0.96]) * width)
        ramp = np.linspace(255, 0, height // 3).astype(np.uint8)
        layer[height // 6 : height // 6 + len(ramp), x : x + max(3, width // 50)] = ramp[:, None]
    if rng.random() < 0.5:
        x, top = int(rng.uniform(0.02, 0.97) * width), int(rng.uniform(0, 0.2) * height)
        for y in np.linspace(top, 0.97 * height, rng.integers(5, 17)).astype(int):
            cv2.line(layer, (x, y), (x + max(2, width // 80), y), bright, 1)
    if rng.random() < 0.4:
        rows, columns = np.nonzero(truth)
        centre = (
            int(columns[0] + rng.uniform(0.04, 0.1) * width),
            int(rows[0] + rng.uniform(0.01, 0.05) * height),
        )
        cv2.circle(layer, centre, max(2, int(rng.uniform(0.01, 0.025) * width)), bright, -1)
    if rng.random() < 0.1:
        cv2.rectangle(layer, (0, 0), (width - 1, height - 1), bright // 2, 1)
    return layer.astype(np.float32)


def draw_trace(
    rng: np.random.Generator, frames: np.ndarray, truth: np.ndarray, style: TraceStyle = USUAL
) -> tuple[np.ndarray, np.ndarray]:
    """(frames, trace) with an ECG trace, grey or coloured, that sweeps, scrolls or stands still over the lower fan.

    frames are float32 (T, H, W); with a coloured trace the result is (T, H, W, 3). trace is bool (H, W), over all
    frames.
    """
    count, height, width = frames.shape
    kind = rng.choice(["sweep", "scroll", "still"], p=[0.4, 0.4, 0.2])
    colour = [None, None, GREEN, YELLOW, CYAN][rng.integers(0, 5)]
    grey = rng.uniform(*style.greys)
    tall, thick = rng.uniform(0.03, 0.14) * height, int(rng.integers(1, 2 + height // 300))
    bottom = np.nonzero(truth.any(1))[0][-1]
    baseline = min(height - 4, bottom - rng.uniform(-0.02, 0.25) * height)
    period, first, last = rng.uniform(0.12, 0.4) * width, 0, width
    if rng.random() < 0.4:
        first, last = int(rng.uniform(0, 0.2) * width), int(rng.uniform(0.75, 1) * width)
    columns = np.arange(first, last)
    speed = rng.uniform(0.01, 0.06) * width
    drawn = np.zeros(frames.shape, np.uint8)
    for t, layer in enumerate(drawn):
        shift = t * speed if kind == "scroll" else 0
        y = baseline - tall * style.beat(((columns + shift) % period) / period)
        line = np.stack([columns, y], 1).round().astype(np.int32)
        head = max(2, (t + 1) * len(line) // count) if kind == "sweep" else len(line)
        cv2.polylines(layer, [line[:head]], False, 255, thick, cv2.LINE_AA)
    alpha = drawn.astype(np.float32) / 255
    trace = drawn.max(0) > 100
    if colour is None:
        return frames * (1 - alpha) + np.maximum(frames, grey) * alpha, trace
    alpha = alpha[..., None]
    return frames[..., None] * (1 - alpha) + np.array(colour, np.float32) * alpha, trace
