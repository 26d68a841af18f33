"""The public names: each can be imported, and naming the package alone loads nothing heavy."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import echogan

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "numpy", "cv2", "av", "pydicom", "gradio", "matplotlib", "scipy", "skimage")


@pytest.mark.parametrize("name", echogan.__all__)
def test_public_name_imports(name: str):
    assert getattr(echogan, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = echogan.no_such_name


def test_dir_lists_the_public_names():
    assert dir(echogan) == sorted(echogan.__all__)


def test_import_of_the_package_is_light():
    code = f"import sys, echogan; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_version_agrees_with_the_project_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == echogan.__version__
