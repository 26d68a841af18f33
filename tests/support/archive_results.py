"""What an archive's folder holds, to compare one run with another."""

import json
from pathlib import Path


def results(out: Path) -> dict[str, bytes | dict]:
    """Every file by its path, reports without how long it took; nothing that begins with a dot."""
    found: dict[str, bytes | dict] = {}
    for path in out.rglob("*"):
        if path.is_file() and path.name[0] != ".":
            data = path.read_bytes()
            name = path.relative_to(out).as_posix()
            found[name] = (json.loads(data) | {"timing": None}) if path.suffix == ".json" else data
    return found


def recorded(out: Path) -> int:
    """How many files are noted as done or failed."""
    record = out / ".archive.jsonl"
    return record.read_bytes().count(b"\n") if record.exists() else 0
