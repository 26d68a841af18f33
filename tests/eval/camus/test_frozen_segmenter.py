"""The frozen segmenter: it follows from its seed and its own patients, and only the evaluations import it."""

import ast
from pathlib import Path

import numpy as np

from eval.camus import frozen_segmenter as frozen
from eval.camus import selection
from eval.camus.stills import stills
from eval.paths import ROOT


def test_it_follows_from_its_seed_and_its_own_patients(shared_data: Path, tmp_path: Path, monkeypatch):
    asked, few = [], stills(shared_data / "camus", "selection", "Poor")

    def stand_in(folder, view, role, quality):
        asked.append((view, role, quality))
        return few

    monkeypatch.setattr(frozen, "view_stills", stand_in)
    settings = frozen.FrozenSegmenterSettings(size=64, width=8, steps=3, batch_size=2)
    made = []
    for folder in ("a", "b"):
        monkeypatch.setattr(frozen, "FOLDER", tmp_path / folder)
        made.append(frozen.frozen_segmenter(shared_data / "camus", settings, say=lambda text: None))
    assert asked == [("4CH", "frozen-segmenter", "Good"), ("2CH", "frozen-segmenter", "Good")] * 2
    assert made[0].sha256 == made[1].sha256
    image = few[0].image
    first, second = made[0]([image])[0], made[1]([image])[0]
    assert first.shape == image.shape
    assert np.array_equal(first, second)


def test_only_the_evaluations_import_it():
    users = []
    for path in [*ROOT.glob("app.py"), *ROOT.glob("echogan/**/*.py"), *ROOT.glob("eval/**/*.py")]:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "frozen_segmenter" in text else ():
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            )
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
            users += [path.name for name in names if name == "eval.camus.frozen_segmenter"]
    assert set(users) == {"segmentation.py", "retrained_segmenter.py", "selection.py"}
    # Choosing uses a segmenter with another seed than the one of the evaluation.
    assert frozen.FrozenSegmenterSettings().seed != selection.SEED
