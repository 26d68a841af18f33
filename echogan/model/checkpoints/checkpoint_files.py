"""The two files of a checkpoint folder: their names, which must be there, how large they may be, reading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from echogan.core.errors import CheckpointNotFound, InvalidCheckpoint

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE, LICENSE_FILE = "README.md", "LICENSE"
# The calibration (echogan.trust.calibration), where there is one, and how many bytes of it are fetched.
CALIBRATION_FILES = {"trust.json": 1_000_000, "trust.safetensors": 16_000_000}
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
MAX_CONFIG_BYTES = 1_000_000
MAX_WEIGHTS_BYTES = 2 * 2**30


def check_files(names: set[str], where: str) -> None:
    """Raise unless both files of a checkpoint are among the names; pickled weights get their own sentence."""
    pickles = sorted(name for name in names if name.lower().endswith(PICKLES))
    if WEIGHTS_FILE not in names and pickles:
        raise InvalidCheckpoint(
            f"{where} has only pickled weights ({first_few(pickles)}), which can run code and are refused; read"
            f" them once with torch.load(..., weights_only=True) and write them with save_checkpoint of"
            f" echogan.model.checkpoints.checkpoint (python -m echogan convert does both for CycleGAN's own)."
        )
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if name not in names:
            raise CheckpointNotFound(
                f"{where} has no {name}, and a checkpoint is {CONFIG_FILE} and {WEIGHTS_FILE} together;"
                f" add it or choose another."
            )


def check_size(name: str, size: int, where: str) -> None:
    """Raise InvalidCheckpoint when a file is larger than any checkpoint of ours can be."""
    limit = MAX_CONFIG_BYTES if name == CONFIG_FILE else MAX_WEIGHTS_BYTES
    if size > limit:
        raise InvalidCheckpoint(
            f"{name} of {where} has {size:,} bytes, more than the {limit:,} allowed;"
            f" choose a smaller checkpoint."
        )


def calibration_files(sizes: Mapping[str, int | None]) -> list[str]:
    """The files of a calibration that are there and not too large, given the size of each file in bytes."""
    return [name for name, most in CALIBRATION_FILES.items() if 0 <= (sizes.get(name) or -1) <= most]


def entries(folder: Path) -> list[Path]:
    """What is in a folder. Raises CheckpointNotFound."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointNotFound(
            f"There is no checkpoint folder {folder}; give one that holds {CONFIG_FILE} and {WEIGHTS_FILE}."
        ) from None
    except OSError as error:
        raise unreadable(folder, error) from None


def read_file(path: Path, where: str) -> bytes:
    """A file of a checkpoint, whole. Raises CheckpointNotFound, and InvalidCheckpoint where it is too large."""
    try:
        if not path.is_file():
            raise OSError("not a file")
        check_size(path.name, path.stat().st_size, where)
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> CheckpointNotFound:
    """What to say of a path that the system does not let us read."""
    reason = error.strerror or error
    return CheckpointNotFound(f"{path} cannot be read ({reason}); check that it is there and yours to read.")


def first_few(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(ascii(name[:60])[1:-1] for name in names[:3]) + more
