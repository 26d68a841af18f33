"""Shard folders in the format of `echogan curate`, written with numpy alone."""

from pathlib import Path

import numpy as np

from echogan.core.geometry import Fan

SIZE = 64
FAN = Fan((31.5, 2.0), -38.0, 38.0, 2.0, 58.0)
HEADER = "shard,row,clip,patient,quality,split,frames,spacing_mm\n"


def shard_folder(
    folder: Path, clips: int = 4, frames: int = 3, splits=("train",), first_patient: int = 0, seed: int = 0
) -> Path:
    """Clip k is speckle in a fan, its brightest pixel 200 + 5 k, of a patient of its own."""
    mask = FAN.mask(SIZE, SIZE)
    rng = np.random.default_rng(seed)
    grey = rng.uniform(40, 190, (clips, frames, SIZE, SIZE))
    fans = np.tile(
        np.array([*FAN.apex, FAN.left_deg, FAN.right_deg, FAN.r_min, FAN.r_max], np.float32), (clips, 1)
    )
    arrays = {
        "frames": (grey * mask).astype(np.uint8), "masks": np.tile(mask, (clips, 1, 1)), "fans": fans,
        "lengths": np.full(clips, frames),
    }  # fmt: skip
    arrays["frames"][:, :, 40, 31] = (200 + 5 * np.arange(clips))[:, None]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "shard_0000.npz", **arrays)
    rows = [
        f"shard_0000.npz,{k},clip{k},patient{first_patient + k},,{splits[k % len(splits)]},{frames},\n"
        for k in range(clips)
    ]
    (folder / "index.csv").write_text(HEADER + "".join(rows))
    return folder
