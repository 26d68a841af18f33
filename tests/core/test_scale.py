"""Grey levels and what networks see of them: one factor, in one place."""

import ast
from pathlib import Path

import numpy as np
import torch

from echogan.core.scale import GREY

ROOT = Path(__file__).resolve().parents[2]


def test_black_is_minus_one_and_white_one():
    assert (0 / GREY - 1, 255 / GREY - 1) == (-1, 1)


def test_every_level_survives_the_way_to_the_network_and_back():
    levels = np.arange(256, dtype=np.uint8)
    x = levels.astype(np.float32) / GREY - 1
    assert x.dtype == np.float32
    assert np.array_equal(((x + 1) * GREY).round().astype(np.uint8), levels)
    there = torch.from_numpy(levels).float() / GREY - 1
    assert torch.equal(((there + 1) * GREY).round().byte(), torch.from_numpy(levels))


def test_no_other_file_has_a_factor_of_its_own():
    sources = [*ROOT.glob("echogan/**/*.py"), *ROOT.glob("eval/**/*.py"), ROOT / "app.py"]
    having = [
        path.relative_to(ROOT).as_posix()
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value == GREY
    ]
    assert having == ["echogan/core/scale.py"]
