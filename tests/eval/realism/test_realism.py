"""The realism command: it says so without the stills, and a small run has every part."""

import json

from eval.realism.realism import MeasureRealism


def test_without_the_stills_it_says_so_and_writes_nothing(tmp_path, capsys):
    MeasureRealism(data=tmp_path, out=tmp_path / "a.json", figure=tmp_path / "a.png").run()
    assert "No CAMUS stills" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_small_run_has_every_part(tmp_path, shared_data):
    out, figure = tmp_path / "a.json", tmp_path / "a.png"
    MeasureRealism(
        data=shared_data, sketch=tmp_path, hearts=2, patients=4, splits=1, steps=2, clips=1, clip_frames=2,
        out=out, figure=figure,
    ).run()  # fmt: skip
    result = json.loads(out.read_text())
    assert figure.stat().st_size > 10_000
    assert set(result["statistics"]) == {"clean", "degraded"}
    assert all(found["CAMUS ratio"] > 0 < found["phantom ratio"] for found in result["grades"].values())
    assert {"phantom clean against CAMUS Good", "CAMUS Good against itself"} <= set(result["two_sample"])
    assert result["counts"]["CAMUS Good"] == {"groups": 4, "frames": 8}
    assert "sketch clean" not in result["histograms"]
    assert not any("/" in str(value) for value in result["settings"].values())
