"""`python -m echogan calibrate`: what it writes and prints, and what it refuses."""

import shutil

import pytest

from echogan.calibration import calibrate as module
from echogan.cli.main import main
from echogan.enhance.calibrated import calibration_of
from echogan.model.checkpoints.checkpoint import BUNDLED
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.trust.calibration import TRUST_FILE


@pytest.fixture
def folder(tmp_path):
    """A copy of the bundled checkpoint without its calibration."""
    made = shutil.copytree(BUNDLED / "echogan", tmp_path / "mine")
    (made / TRUST_FILE).unlink(missing_ok=True)
    return made


@pytest.fixture
def quick(monkeypatch):
    """One clip of each kind, taken for twenty."""
    real = module.calibration_clips

    def clips(count):
        for clip in real(1):
            yield from [clip] * count

    monkeypatch.setattr(module, "calibration_clips", clips)
    known = {}
    losses = module.losses
    monkeypatch.setattr(module, "losses", lambda clip, *rest: known.setdefault(id(clip), losses(clip, *rest)))


def test_the_thresholds_lie_beside_the_weights_and_are_read_with_them(folder, quick, capsys):
    assert main(["calibrate", str(folder), "--clips", "20"]) == 0
    found = calibration_of(load_checkpoint(str(folder)))
    assert found is not None
    assert 0 < found.amber <= found.red <= 1
    assert found.clips["faithful"] == 100
    assert f"amber {found.amber:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["nowhere"], "nowhere"), (["echogan", "--clips", "5"], "clips"), ([], "CHECKPOINT")],
)
def test_mistakes_are_sentences(arguments, sentence, capsys):
    assert main(["calibrate", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
