"""Weights under another license than the project's say so beside them and in the README."""

from pathlib import Path

import pytest

from echogan.model.checkpoints.checkpoint import bundled_checkpoints, describe_checkpoint

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", bundled_checkpoints(), ids=lambda folder: folder.name)
def test_other_licenses_are_told(folder: Path):
    license = describe_checkpoint(folder).config.license
    card = (folder / "README.md").read_text()
    if license == "MIT":
        assert "license: mit" in card
        assert not (folder / "LICENSE").exists()
        return
    assert license in (folder / "LICENSE").read_text()
    assert license in card
    assert f"license: {license.lower().replace(' ', '-')}" in card
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert folder.name in readme
    assert license in readme
