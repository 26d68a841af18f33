"""What of a run the page has to draw again: only what has changed since it was last sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import gradio as gr

from echogan.jobs.job import Job, Status
from echogan.jobs.runs import Runs
from echogan.ui.train import comparison, run_charts, run_samples, run_view
from echogan.ui.train.actions_layout import forget_answers
from echogan.ui.train.check_view import check_panel
from echogan.ui.train.layout import RunForm, RunView
from echogan.ui.train.ownership import has_own_data

Update = dict[Any, Any]  # component -> its new value or properties


class RunUpdates:
    """Updates of the components that show a run, by component."""

    def __init__(self, runs: Runs, form: RunForm, view: RunView, own_machine: bool) -> None:
        self.runs, self.form, self.view, self.own_machine = runs, form, view, own_machine

    def of(
        self,
        job: Job,
        seen: dict[str, Any],
        at: float | None = None,
        owner: bool = False,
        compare: Sequence[str] = (),
        along: str | None = None,
    ) -> Update:
        """What of a run has changed since the page saw it as `seen`; `at` is where the slider of the samples stands.

        Its curves are drawn beside those of the runs in `compare`, along steps or time.

        Only the run's owner may act on it, and sees samples and log of a run with clips of somebody's.
        """
        status, steps = job.status(), job.preview_steps()
        private = has_own_data(job) and not owner
        if private:
            status, steps = replace(status, message=""), []
        new = seen.get("run") != job.name
        others = self._others(job, compare)
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
            "curves": [along, *((other.name, len(other.lines())) for other in (job, *others))],
            "log": [] if private else job.log_tail(),
            "head": run_view.head(job, status),
        }
        view, out = (
            self.view,
            {self.view.seen: now, self.form.stop: gr.Button(interactive=status.live and owner)},
        )
        if new:
            found = self.runs.list()
            out[view.run] = gr.Dropdown([run.name for run in found], value=job.name)
            drawn = [run.name for run in found if run.name != job.name and run.metrics.exists()]
            chosen = [other.name for other in others]
            out[view.compare] = gr.Dropdown(drawn, value=chosen, multiselect=True, visible=bool(drawn))
            out |= {view.whole: gr.Column(visible=True), view.nothing: gr.HTML(visible=False)}
            out |= forget_answers(view.actions)
        if new or now["head"] != seen.get("head"):
            out |= self._head(job, status, now["head"], owner, not private)
        if new or now["curves"] != seen.get("curves"):
            out[view.charts] = comparison.charts([job, *others], along or comparison.ALONG[0])
        if new or now["lines"] != seen.get("lines"):
            out[view.terms] = run_charts.terms(job)
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

    def _head(self, job: Job, status: Status, head: str, owner: bool, picture: bool) -> Update:
        """The state of a run, and what may be done in it."""
        view, network = self.view, job.checkpoint() is not None
        checked, begun = status.state == "checked", job.config.exists() or bool(job.lines())
        return {
            view.head: head,
            view.check: check_panel(job, picture) if checked else "",
            view.body: gr.Column(visible=begun or status.state not in ("checking", "checked")),
            view.resume: gr.Button(
                "Start training" if checked else "Resume", visible=owner and job.can_resume()
            ),
            view.use: gr.Button(visible=owner and network),
            view.actions.whole: gr.Accordion(visible=owner and self.own_machine),
            view.actions.download: gr.Button(interactive=network),
            view.actions.publish: gr.Button(interactive=network),
            view.actions.delete: gr.Button(interactive=not status.live),
        }

    def _others(self, job: Job, names: Sequence[str]) -> list[Job]:
        """The runs to compare with; those that are there no more are left out."""
        there = {other.name: other for other in self.runs.list()} if names else {}
        found = [there[name] for name in names if name in there and name != job.name]
        return found[: comparison.MOST - 1]

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
