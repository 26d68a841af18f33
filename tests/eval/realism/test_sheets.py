"""The blind test: crops do not show what they are, and the score is correct."""

import json

import numpy as np
import pytest
from PIL import Image

from echogan.core.errors import EchoGANError
from eval.realism.sheets import CROP, ENLARGED, score, write_blind


@pytest.fixture
def key(tmp_path):
    kinds = ["real", "phantom"] * 20
    path = tmp_path / "key.json"
    path.write_text(json.dumps({f"{k + 1:02d}": {"kind": kind, "of": "x"} for k, kind in enumerate(kinds)}))
    return path


def answer(tmp_path, word):
    path = tmp_path / "answers.txt"
    path.write_text("".join(f"{k + 1}.png, {word}\n" for k in range(40)))
    return path


def test_half_of_the_answers_correct_is_chance(tmp_path, key):
    found = score(answer(tmp_path, "Real"), key)
    assert (found["right"], found["accuracy"]) == (20, 0.5)
    assert (found["low"], found["high"]) == pytest.approx(
        (0.338, 0.662), abs=0.001
    )  # Clopper-Pearson, 20 of 40
    assert found["p_chance"] == pytest.approx(1)


def test_a_missing_or_odd_answer_is_refused(tmp_path, key):
    with pytest.raises(EchoGANError, match="each crop once"):
        score(answer(tmp_path, "maybe"), key)
    (tmp_path / "answers.txt").write_text("01 real\n")
    with pytest.raises(EchoGANError, match="each crop once"):
        score(tmp_path / "answers.txt", key)


def test_the_key_may_not_lie_with_the_crops(tmp_path):
    with pytest.raises(EchoGANError, match="another folder"):
        write_blind(tmp_path, tmp_path / "blind", tmp_path / "blind" / "key.json", 0)


def test_crops_have_one_size_and_no_metadata(tmp_path, shared_data):
    write_blind(shared_data / "camus", tmp_path / "blind", tmp_path / "key" / "key.json", 3, of_each=2)
    crops = sorted((tmp_path / "blind").iterdir())
    assert [c.name for c in crops] == ["01.png", "02.png", "03.png", "04.png"]
    truth = json.loads((tmp_path / "key" / "key.json").read_text())
    assert sorted(entry["kind"] for entry in truth.values()) == ["phantom"] * 2 + ["real"] * 2
    for crop in crops:
        image = Image.open(crop)
        assert (image.size, image.mode) == ((CROP * ENLARGED, CROP * ENLARGED), "L")
        assert np.asarray(image).std() > 3
        assert not image.info
