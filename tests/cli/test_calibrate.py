"""`python -m echogan calibrate`: what it writes and prints, and what it refuses."""

import shutil

import pytest

from echogan.calibration import calibrate as module
from echogan.cli.main import main
from echogan.enhance.calibrated import calibration_of
from echogan.model.checkpoints.checkpoint import BUNDLED
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.trust.calibration import REFERENCE_FILE, TRUST_FILE


@pytest.fixture
def folder(tmp_path):
    """A copy of the bundled checkpoint without its calibration."""
    made = shutil.copytree(BUNDLED / "echogan", tmp_path / "mine")
    for name in (TRUST_FILE, REFERENCE_FILE):
        (made / name).unlink(missing_ok=True)
    return made


def remembered(function):
    known = {}

    def call(clip, *rest):
        if id(clip) not in known:
            known[id(clip)] = function(clip, *rest)
        return known[id(clip)]

    return call


@pytest.fixture
def quick(monkeypatch):
    """One clip of each kind, taken for twenty."""
    real = module.calibration_clips

    def clips(count):
        for clip in real(1):
            yield from [clip] * count

    monkeypatch.setattr(module, "calibration_clips", clips)
    for name in ("losses", "card_numbers"):
        monkeypatch.setattr(module, name, remembered(getattr(module, name)))


def test_the_thresholds_lie_beside_the_weights_and_are_read_with_them(folder, quick, capsys):
    assert main(["calibrate", str(folder), "--clips", "20"]) == 0
    found = calibration_of(load_checkpoint(str(folder)))
    assert found is not None
    made = found.calibration
    assert 0 < made.amber <= made.red <= 1
    assert made.clips["faithful"] == 100
    assert len(found.reference.features) == 100
    assert f"amber {made.amber:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["nowhere"], "nowhere"), (["echogan", "--clips", "5"], "clips"), ([], "CHECKPOINT")],
)
def test_mistakes_are_sentences(arguments, sentence, capsys):
    assert main(["calibrate", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
