"""Lesions that swing: vegetations on a leaflet's tip, thrombi and masses on a stalk, as discs in each frame."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from echogan.phantom.lesions.kinds import Lesion, Swing

_INERTIA = 1.5
"""How far, in units of its own lag, a lesion on a stalk stays behind its root."""


def vegetation_discs(lesion: Lesion, curves: Tensor, frame_rate: float = 40.0) -> Tensor | None:
    """A vegetation rides on its leaflet's tip, a little late, and flutters: (T, k, 3) as x, z, radius in cm.

    curves  (T, leaflets, points from hinge to tip, 2) in cm
    None where the lesion sits on no leaflet.
    """
    if lesion.leaflet is None or lesion.swing is None:
        return None
    curve = curves[:, lesion.leaflet]
    at = round(lesion.swing.attach * (curve.shape[1] - 1))
    tip, before = curve[:, at], curve[:, max(0, at - max(1, curve.shape[1] // 6))]
    return _placed(lesion.swing, tip, tip - before, frame_rate)


def stalk_discs(lesion: Lesion, roots: Tensor, frame_rate: float = 40.0) -> Tensor | None:
    """A lesion on a stalk swings about its root: (T, k, 3) as x, z, radius in cm.

    roots  (T, 2): where `lesion.root` has moved to, cm
    None where the lesion hangs on no stalk.
    """
    if lesion.root is None or lesion.towards is None or lesion.swing is None:
        return None
    late = _delayed(roots, lesion.swing.lag_s * frame_rate)
    reach = lesion.swing.discs[:, 0].max()
    return _placed(
        lesion.swing, roots, reach * lesion.towards.to(roots) + _INERTIA * (late - roots), frame_rate
    )


def _placed(swing: Swing, root: Tensor, direction: Tensor, frame_rate: float) -> Tensor:
    """Discs laid out from `root` (T, 2) along `direction` (T, 2), which they follow with a lag."""
    direction = _delayed(
        direction / direction.norm(dim=-1, keepdim=True).clamp_min(1e-6), swing.lag_s * frame_rate
    )
    angle = torch.atan2(direction[:, 1], direction[:, 0])[:, None] + swing.lean
    u, v, radius = swing.discs.to(root).T
    share = (u / u.max()).clamp(0, 1)
    time = torch.arange(len(root)).to(root)[:, None] / frame_rate
    beat = torch.sin(2 * math.pi * swing.flutter_hz * time + swing.phase - 1.2 * share)
    # A second, unrelated rhythm keeps the motion from looking like a pendulum.
    beat = beat + 0.5 * torch.sin(2 * math.pi * 1.618 * swing.flutter_hz * time - 1.5 * share)
    angle = angle + swing.flutter_rad * share * beat
    cosine, sine = torch.cos(angle), torch.sin(angle)
    place = torch.stack([u * cosine - v * sine, u * sine + v * cosine], -1) + root[:, None]
    return torch.cat([place, radius.expand(len(root), -1)[..., None]], -1)


def _delayed(track: Tensor, frames: float) -> Tensor:
    """A track (T, 2) that follows late, as an exponential mean over about so many frames before."""
    keep = math.exp(-1 / max(frames, 1e-3))
    ago = torch.arange(len(track))[:, None] - torch.arange(len(track))
    weight = torch.where(ago >= 0, (1 - keep) * keep ** ago.clamp_min(0).float(), 0.0)
    weight[:, 0] += 1 - weight.sum(1)
    return weight.to(track) @ track
