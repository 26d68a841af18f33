"""What of a run the page has to draw again: only what has changed since it was last sent."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import gradio as gr

from echogan.jobs.job import Job
from echogan.jobs.runs import Runs
from echogan.ui.train import run_charts, run_samples, run_view
from echogan.ui.train.layout import RunForm, RunView
from echogan.ui.train.ownership import has_own_data

Update = dict[Any, Any]  # component -> its new value or properties


class RunUpdates:
    """Updates of the components that show a run, by component."""

    def __init__(self, runs: Runs, form: RunForm, view: RunView) -> None:
        self.runs, self.form, self.view = runs, form, view

    def of(self, job: Job, seen: dict[str, Any], at: float | None = None, owner: bool = False) -> Update:
        """What of a run has changed since the page saw it as `seen`; `at` is where the slider of the samples stands.

        Only the run's owner may act on it, and sees samples and log of a run with clips of somebody's.
        """
        status, steps = job.status(), job.preview_steps()
        private = has_own_data(job) and not owner
        if private:
            status, steps = replace(status, message=""), []
        new = seen.get("run") != job.name
        last = steps[-1] if steps else None
        # A visitor who has chosen an earlier step stays there; the slider counts only once it is shown.
        follow = new or at is None or not seen.get("slider") or at >= seen.get("last", 0)
        shown = None if last is None else last if follow else nearest(steps, at)
        now = {
            "run": job.name,
            "last": last or 0,
            "slider": len(steps) > 1,
            "shown": shown,
            "lines": len(job.lines()),
            "log": [] if private else job.log_tail(),
            "head": run_view.head(job, status),
        }
        view, out = (
            self.view,
            {self.view.seen: now, self.form.stop: gr.Button(interactive=status.live and owner)},
        )
        if new:
            names = [found.name for found in self.runs.list()]
            out[view.run] = gr.Dropdown(names, value=job.name)
            out |= {view.whole: gr.Column(visible=True), view.nothing: gr.HTML(visible=False)}
        if now["head"] != seen.get("head"):
            out[view.head] = now["head"]
            out[view.resume] = gr.Button(visible=owner and job.can_resume())
            out[view.use] = gr.Button(visible=owner and job.checkpoint() is not None)
        if new or now["lines"] != seen.get("lines"):
            out |= {view.charts: run_charts.charts(job), view.terms: run_charts.terms(job)}
        if new or shown != seen.get("shown"):
            none = run_samples.PRIVATE if private else run_samples.NO_SAMPLES
            out[view.samples] = none if shown is None else sample_of(job, shown)
        if new or now["last"] != seen.get("last"):
            out[view.at] = step_slider(steps, shown)
        if new or now["log"] != seen.get("log"):
            out[view.log] = run_view.log(now["log"])
        if new or not status.live:
            out[view.timer] = gr.Timer(active=status.live)
        return out

    def nothing(self) -> Update:
        """What the page shows where there is no run."""
        return {
            self.view.whole: gr.Column(visible=False),
            self.view.nothing: gr.HTML(visible=True),
            self.view.seen: {},
            self.view.timer: gr.Timer(active=False),
            self.form.stop: gr.Button(interactive=False),
        }


def nearest(steps: list[int], at: float | None) -> int:
    """The step that has a preview and lies nearest to where the slider stands; the last where it does not stand."""
    return steps[-1] if at is None else min(steps, key=lambda step: abs(step - at))


def sample_of(job: Job, step: int) -> str:
    """The samples of a step, as HTML."""
    return run_samples.samples(job.preview(step), step)


def step_slider(steps: list[int], shown: int | None) -> gr.Slider:
    """The slider over the previews; hidden while there is nothing to choose."""
    if len(steps) < 2:
        return gr.Slider(visible=False)
    gap = min(b - a for a, b in pairwise(steps))
    return gr.Slider(steps[0], steps[-1], value=shown, step=gap, visible=True)
