"""The Train tab without a browser: its settings and presets, its charts, its words, and who may train at all."""

import json
import math
import re
import zipfile
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import pytest
import torch

from echogan.core.errors import CheckpointNotFound, SettingsError
from echogan.core.settings import flatten_settings
from echogan.jobs.job import Job, Status
from echogan.jobs.runs import Runs
from echogan.model.checkpoints.checkpoint import CheckpointConfig, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.training.config import TrainingConfig, with_settings
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.session import Sessions
from echogan.ui.train import comparison, layout, run_charts, run_samples, run_view
from echogan.ui.train import tab as train_tab
from echogan.ui.train.actions_layout import Actions
from echogan.ui.train.charts import Chart, Series, draw, even_ticks, log_ticks, smoothed
from echogan.ui.train.handlers import TrainHandlers
from echogan.ui.train.presets import PRESETS, preset
from echogan.ui.train.run_updates import nearest
from echogan.ui.train.settings_form import ELSEWHERE, all_settings, build_settings, parse_all, slider_step


@pytest.fixture
def job(tmp_path):
    """A run of 30 steps as its folder would hold it, with one measurement better than the others."""
    job = Job(tmp_path / "runs" / "one")
    job.previews.mkdir(parents=True)
    job.config.write_text('{"name": "one", "steps": 100}')
    lines = []
    for step in range(5, 31, 5):
        losses = {"generators": 2.0 / step, "discriminators": 0.5, "right_high": 0.9, "right_low": 0.8}
        lines.append(
            {"step": step, "seconds_per_step": 1.5, "learning_rate": 1e-4, "cycle_low": 0.1, **losses}
        )
    for step, score in ((10, 0.1), (20, 0.3), (30, 0.2)):
        found = {"score": score, "psnr_input": 17.0, "psnr_output": 17.0 + score}
        lines.append({"step": step, "held_out": found})
    job.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 35, "gener')
    frames = np.random.default_rng(0).integers(0, 255, (4, 32, 32), dtype=np.uint8)
    for step in (10, 20, 30):
        np.savez(job.preview(step), poor=frames, enhanced=frames // 2, cycled=frames, clean=frames)
    return job


def test_every_setting_has_a_field_of_its_kind_within_its_range():
    with gr.Blocks():
        built = build_settings(paths=True)
    settings = all_settings()
    assert set(built) | ELSEWHERE == set(settings)
    for name, field in built.items():
        assert field.value == settings[name].usual, name
        if isinstance(field, gr.Slider | gr.Number):
            assert (field.minimum, field.maximum) == (settings[name].low, settings[name].high), name
        if settings[name].choices:
            assert isinstance(field, gr.Dropdown)
            assert [value for _, value in field.choices] == list(settings[name].choices)


def test_a_slider_can_stand_at_every_usual_value():
    for setting in all_settings().values():
        numeric = isinstance(setting.usual, int | float) and not isinstance(setting.usual, bool)
        step = slider_step(setting) if numeric else None
        if step is not None:
            positions = (setting.usual - (setting.low or 0)) / step
            assert math.isclose(positions, round(positions), abs_tol=1e-6), setting.name


def test_without_paths_nothing_of_the_server_can_be_named():
    with gr.Blocks():
        built = build_settings(paths=False)
    assert not [name for name, field in built.items() if isinstance(field, gr.Textbox)]


@pytest.mark.parametrize("found", PRESETS, ids=lambda p: p.stem)
def test_presets_name_settings_that_exist_and_make_runs_that_may_start(found):
    assert set(found.changed) <= {name for name, _, _ in flatten_settings(TrainingConfig())}
    names = list(found.values())
    sent = [float(v) if type(v) is int else v for v in found.values().values()]  # as a page may send them
    config = with_settings(TrainingConfig(), dict(parse_all(names, sent)))
    config.check()
    assert all(
        type(a) is type(b)
        for (_, a, _), (_, b, _) in zip(
            flatten_settings(config), flatten_settings(TrainingConfig()), strict=True
        )
    )


def test_the_first_preset_is_the_small_one():
    quick = preset(None).values()
    assert (quick["size"], quick["tick"], quick["preview_every"], quick["eval_every"]) == (128, 5, 25, 50)


def test_an_empty_number_is_a_users_mistake():
    with pytest.raises(SettingsError, match="'Steps' is empty"):
        dict(parse_all(["steps"], [None]))
    with pytest.raises(SettingsError, match="whole number"):
        dict(parse_all(["steps"], [1.5]))


def points_of(chart_html):
    """The first curve of a chart as (x, y) in percent of the plot; fails where the SVG is not well-formed."""
    found = re.search(r"<svg.*</svg>", chart_html, re.S)
    assert found is not None
    line = ElementTree.fromstring(found[0]).find("polyline")
    assert line is not None
    return [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]


def test_a_chart_puts_values_where_its_axis_says():
    chart = Chart("t", [Series("a", [0, 50, 100], [0.0, 50.0, 100.0])], low=0, high=100)
    assert points_of(draw(chart)) == [(0, 100), (50, 50), (100, 0)]
    log = Chart("t", [Series("a", [0, 1, 2], [1.0, 10.0, 100.0])], log=True)
    heights = [y for _, y in points_of(draw(log))]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.02)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "values", [[], [1.0], [0.0, 0.0], [1.0, 1.0], [math.nan, 2.0, math.inf], [1e-9, 1e9], [-1.0, 1.0]]
)
def test_a_chart_of_anything_can_be_drawn(values, log):
    for smooth in (False, True):
        chart = Chart("<b>", [Series("x & y", range(len(values)), values, smooth=smooth)], log=log)
        assert "nan" not in draw(chart).lower()
        assert "<b><b>" not in draw(chart)


def test_a_loss_that_falls_below_zero_is_drawn_whole():
    falling = Chart("t", [Series("hinge", [0, 1, 2], [1.0, 0.0, -1.0])], log=True)
    assert len(points_of(draw(falling))) == 3


def test_smoothing_keeps_a_constant_and_ends_near_a_late_level():
    assert smoothed([3.0] * 5, log=False) == pytest.approx([3.0] * 5)
    assert smoothed([3.0] * 5, log=True) == pytest.approx([3.0] * 5)
    assert smoothed([1.0] * 5 + [2.0] * 100, log=True)[-1] == pytest.approx(2.0, rel=1e-3)


def test_ticks_are_round_and_within():
    assert even_ticks(0, 100) == [0, 50, 100]
    assert even_ticks(-0.3, 0.3) == [-0.2, 0, 0.2]
    assert log_ticks(0.15, 2.2) == [0.2, 0.5, 1, 2]
    assert log_ticks(1.1, 1.9) == [1.2, 1.4, 1.6, 1.8]
    assert 2 <= len(log_ticks(1e-9, 1e9)) <= 6
    for low, high in ((1e-9, 1e9), (0.99, 1.01), (3e-5, 0.2), (0.5, 1e5)):
        for ticks in (log_ticks(low, high), even_ticks(low, high)):
            assert len(ticks) >= 2
            assert low <= min(ticks) < max(ticks) <= high


def test_a_long_run_is_thinned_but_keeps_its_end():
    chart = Chart("t", [Series("a", range(50_000), [float(k) for k in range(50_000)])], low=0, high=49_999)
    points = points_of(draw(chart))
    assert len(points) <= 301
    assert points[-1] == (100, 0)


def test_the_state_is_told_in_words():
    say = run_view.status_sentence
    assert say(Status("running", 120, 250, 1.1, 143.0)) == "Step 120 of 250, 1.10 s a step, 2 min left."
    assert "exactly as if it had never stopped" in say(Status("stopped", 120, 250))
    assert say(Status("starting", 0, 250, message="5 of 8 files")).endswith("prepared: 5 of 8 files.")
    assert "NaN" in say(Status("failed", 120, 250, message="The losses are NaN."))
    assert [run_view.duration(s) for s in (5, 400, 8000, 400_000)] == [
        "5 s",
        "7 min",
        "2 h 13 min",
        "4.6 days",
    ]


def test_the_picture_of_a_run(job):
    assert job.status().state == "stopped"
    head = run_view.head(job, job.status())
    assert "At step 30 of 100" in head
    assert "at step 20: PSNR 17.30 dB (+0.30 dB against" in head.replace(
        "(+0.30 against", "(+0.30 dB against"
    )
    charts = comparison.charts([job], "Steps")
    assert charts.count("<figure") == 4
    assert "Cycle" in run_charts.terms(job)
    samples = run_samples.samples(job.preview(20), 20)
    assert samples.count("<img") == 4 * 5
    assert run_samples.samples(job.preview(11), 11) == ""
    job.preview(20).write_bytes(b"half")
    assert run_samples.samples(job.preview(20), 20) == ""


def test_the_slider_lands_on_a_step_that_has_samples():
    assert nearest([10, 20, 27], None) == 27
    assert [nearest([10, 20, 27], at) for at in (10, 14, 24, 99)] == [10, 10, 27, 27]


def test_the_log_is_escaped():
    assert "<script>" not in run_view.log(["<script>alert(1)</script>"])


def test_switched_off_there_is_one_sentence_and_nothing_to_call(monkeypatch, tmp_path):
    monkeypatch.setenv("ECHOGAN_TRAIN", "0")
    with gr.Blocks() as page:
        model = gr.Dropdown([])
        with gr.Tabs() as tabs, gr.Tab("Train"):
            train_tab.build_train_tab(page, tabs, model, Sessions(), ModelChoices(), Runs(tmp_path))
    assert not page.fns
    assert [b for b in page.blocks.values() if isinstance(b, gr.HTML) and "ECHOGAN_TRAIN=1" in b.value]


def test_a_runs_network_becomes_a_choice_as_it_is_now(tmp_path):
    config = CheckpointConfig(name="mine", generator=GeneratorConfig(channels=8, blocks=1))
    models = ModelChoices()
    hashes = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_checkpoint(tmp_path / "best", config, *(build_generator(config.generator) for _ in range(2)))
        name = models.offer("mine", tmp_path / "best")
        assert name in models.names()
        hashes.append(models.load(name).sha256)
        assert str(tmp_path) not in models.load(name).source
    assert hashes[0] != hashes[1]
    with pytest.raises(CheckpointNotFound):
        models.load("run: other")


@pytest.fixture
def own_clips(tmp_path):
    """Handlers of a form with one setting, and what to call `start` with for two zips of clips."""
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.png", b"x")
    form = SimpleNamespace(progress="progress", low_zip="low", high_zip="high", settings={"steps": None})
    runs = Runs(tmp_path / "runs", tmp_path / "lock.json")
    sessions: Any = SimpleNamespace(hold=lambda key, path: None)
    nothing: Any = SimpleNamespace()
    view: Any = SimpleNamespace(actions=nothing)
    handlers: Any = TrainHandlers(runs, sessions, nothing, cast(Any, form), view, nothing, [], True)
    request, zips = SimpleNamespace(session_hash="x"), (str(archive), str(archive))
    return lambda steps, good=None: handlers.start(
        request, "", PRESETS[-1].label, None, good, zips[0], None if good else zips[1], steps
    )


def test_who_leaves_while_clips_are_unpacked_leaves_none_behind(own_clips, tmp_path):
    unpacking = own_clips(100)
    next(unpacking)
    next(unpacking)  # the poor ones are there, the good ones are next
    assert len(list(tmp_path.glob("runs/*/.uploads/low/**/*.png"))) == 1
    unpacking.close()
    assert not list(tmp_path.glob("runs/*"))


def test_a_mistake_in_a_setting_costs_no_upload(own_clips, tmp_path):
    assert list(own_clips(0)) == [{"progress": ""}]
    assert not list(tmp_path.glob("runs/*"))


def test_a_mistake_on_the_other_side_costs_no_upload(own_clips, tmp_path):
    assert list(own_clips(100, good=str(tmp_path / "nowhere"))) == [{"progress": ""}]
    assert (tmp_path / "clips.zip").exists()
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize("live", [True, False])
def test_looking_at_another_run_sets_the_page_s_clock_anew(job, live, monkeypatch):
    status = replace(job.status(), state="running" if live else "stopped")
    monkeypatch.setattr(Job, "status", lambda self: status)
    view: Any = SimpleNamespace(**{field.name: field.name for field in fields(layout.RunView)})
    view.actions = SimpleNamespace(**{field.name: f"act {field.name}" for field in fields(Actions)})
    form: Any = SimpleNamespace(stop="stop")
    nothing: Any = SimpleNamespace()
    runs: Any = SimpleNamespace(list=lambda: [job], job=lambda name: job)
    handlers = TrainHandlers(runs, nothing, nothing, form, view, nothing, [], True)
    assert handlers.refresh("one", None, {"run": "another"}, "")["timer"].active is live
