"""Curves of several runs in one chart, and along the time of training."""

import json
import re
from xml.etree import ElementTree

import pytest

from echogan.jobs.job import Job
from echogan.ui.train.comparison import COMPARED, MOST, charts, timed


def run(folder, name: str, steps: range, seconds: float, psnr: float | None = None) -> Job:
    """A run with a tick at each of the steps, which took so many seconds a step, and a measurement at the last."""
    job = Job(folder / name)
    job.path.mkdir(parents=True)
    lines: list[dict] = [
        {"step": step, "seconds_per_step": seconds, "generators": 2.0, "right_high": 0.5, "change_low": 0.1}
        for step in steps
    ]
    if psnr is not None:
        lines.append({"step": steps[-1], "held_out": {"psnr_input": 17.0, "psnr_output": psnr}})
    job.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return job


def figure(page: str, title: str) -> str:
    return next(part for part in page.split("<figure") if f"<b>{title}</b>" in part)


def lines_of(page: str, title: str) -> list[list[tuple[float, float]]]:
    """The points of each curve of a chart, in percent of the plot."""
    svg = re.search(r"<svg.*</svg>", figure(page, title), re.S)
    assert svg is not None
    found = ElementTree.fromstring(svg[0]).findall("polyline")
    return [[tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()] for line in found]  # type: ignore[misc]


def test_each_run_has_a_curve_of_its_own_colour_and_name(tmp_path):
    jobs = [
        run(tmp_path, "a<b", range(10, 101, 10), 1.0, 18.0),
        run(tmp_path, "short", range(10, 51, 10), 1.0, 19.0),
    ]
    page = charts(jobs, "Steps")
    losses = lines_of(page, "Loss of the generators")
    assert [round(line[-1][0]) for line in losses] == [100, 50]
    assert "a&lt;b" in figure(page, "Loss of the generators")
    assert "a<b" not in page
    held_out = figure(page, "Held out: PSNR")
    assert re.findall(r"tr-key tr-c(\d)", held_out) == ["0", "1"]
    assert "18.00 dB" in held_out
    assert "19.00 dB" in held_out
    assert "input" not in held_out
    assert page.count("<figure") == len(COMPARED) + 1


def test_one_run_alone_keeps_its_own_charts(tmp_path):
    page = charts([run(tmp_path, "one", range(10, 101, 10), 1.0, 18.0)], "Steps")
    assert "<b>Losses</b>" in page
    assert "input" in figure(page, "Held out: PSNR")


def test_along_time_a_run_of_half_the_speed_is_twice_as_long(tmp_path):
    jobs = [run(tmp_path, "slow", range(10, 101, 10), 6.0), run(tmp_path, "fast", range(10, 101, 10), 3.0)]
    page = charts(jobs, "Time")
    slow, fast = lines_of(page, "Loss of the generators")
    assert (slow[-1][0], fast[-1][0]) == (100, 50)
    assert ">10 min<" in figure(page, "Loss of the generators")
    hours = charts([run(tmp_path, "long", range(1000, 10001, 1000), 3.6)], "Time")
    assert ">10 h<" in hours


def test_the_time_is_the_sum_of_all_steps_until_then():
    ticks = [{"step": 10, "seconds_per_step": 1.0}, {"step": 30, "seconds_per_step": 0.5}]
    measured = [{"step": step, "held_out": {}} for step in (5, 10, 29, 30, 99)]
    assert [line["step"] for line in timed([*ticks, *measured])] == [10, 20, 0, 10, 10, 20, 20]
    assert timed([]) == []


@pytest.mark.parametrize("along", ["Steps", "Time"])
def test_a_run_that_has_measured_nothing_is_no_fault(tmp_path, along):
    empty = Job(tmp_path / "empty")
    other = run(tmp_path, "other", range(10, 31, 10), 1.0, 18.0)
    assert "Nothing measured yet" in charts([empty], along)
    assert len(lines_of(charts([empty, other], along), "Loss of the generators")) == 1


def test_no_more_runs_are_drawn_than_colours_tell_apart(tmp_path):
    jobs = [run(tmp_path, f"r{k}", range(10, 31, 10), 1.0) for k in range(MOST + 2)]
    assert len(lines_of(charts(jobs, "Steps"), "Loss of the generators")) == MOST
