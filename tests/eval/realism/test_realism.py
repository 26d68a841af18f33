"""The command: quiet where the stills are absent, whole where they are not."""

import json

from eval.realism.realism import Measure


def test_without_the_stills_it_says_so_and_writes_nothing(tmp_path, capsys):
    Measure(data=tmp_path, out=tmp_path / "a.json", figure=tmp_path / "a.png").run()
    assert "no CAMUS stills" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_small_run_holds_every_part(tmp_path, shared_data):
    out, figure = tmp_path / "a.json", tmp_path / "a.png"
    Measure(
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
