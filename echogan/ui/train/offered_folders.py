"""Which folders of the server a visitor may name: those that its owner offers, and what is inside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from echogan.core.errors import SettingsError
from echogan.training.config import TrainingConfig

PATHS = ("start_from", "semireal", "segmenter")  # settings that name files of the server


@dataclass(frozen=True)
class OfferedFolders:
    """The folders that the owner offers."""

    folders: list[Path]

    def of_side(self, side: str, path: str | None) -> Path:
        """The folder of one side's clips on the server; `side` is "poor" or "good". Raises SettingsError."""
        path = (path or "").strip()
        if not self.folders or not path:
            where = (
                "Give their folder on the server, or send a zip of them."
                if self.folders
                else "Send a zip of them. ECHOGAN_DATA_FOLDERS lets the server's owner offer folders, too."
            )
            raise SettingsError(f"The {side} clips are missing. {where}")
        return self.offered(path, f"The folder of the {side} clips")

    def offered(self, path: str, what: str) -> Path:
        """A folder inside those that are offered. Raises SettingsError, the same whether it exists or not."""
        refused = SettingsError(
            f"{what} is not there among the folders that this server offers. Check the path."
        )
        try:
            folder = Path(path).expanduser().resolve()
        except (OSError, ValueError, RuntimeError):
            raise refused from None
        if not any(folder.is_relative_to(offered) for offered in self.folders) or not folder.is_dir():
            raise refused
        return folder

    def check(self, config: TrainingConfig) -> None:
        """Raise SettingsError where a setting names a file of the server that is not offered."""
        usual = TrainingConfig()
        for name in PATHS:
            value = getattr(config, name)
            if value != getattr(usual, name):
                self.offered(value, f"What '{name}' names")
