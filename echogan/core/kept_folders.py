"""Where the program keeps what outlives it: the folder of ECHOGAN_DATA, or a folder of its own for each kind."""

from __future__ import annotations

import os
from pathlib import Path

DATA = "ECHOGAN_DATA"


def kept_folder(name: str, variable: str = "") -> Path:
    """The folder of one kind: the one that `variable` names, else `name` in ECHOGAN_DATA, else `name` where one is."""
    given = os.environ.get(variable, "") if variable else ""
    return Path(given) if given else Path(os.environ.get(DATA, ""), name)


def models_home() -> str:
    """What HF_HOME is with ECHOGAN_DATA, so that huggingface_hub keeps in there what it fetches."""
    return str(kept_folder("huggingface").absolute())
