"""The state of a run on the page, in words, and the end of its log, as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

from echogan.jobs.job import CHECK_STOPPED, Job, Status
from echogan.ui.train.run_charts import best_of, measured_of

STATES = {
    "empty": "Nothing here yet",
    "checking": "Checking the data",
    "checked": "Data checked",
    "starting": "Starting",
    "running": "Training",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
}
NOTHING = """<div class="tr-empty"><p class="eg-empty-title">No run yet</p>
<p>Choose where to begin and press Start. Losses, held-out measures and samples appear here as they come;
the run goes on when you close the page.</p></div>"""


def head(job: Job, status: Status) -> str:
    """State, step, speed and time left in words, and how far the run is."""
    percent = round(100 * status.step / status.steps) if status.steps else 0
    best = best_sentence(job)
    more = f'<p class="tr-best">{html.escape(best)}</p>' if best else ""
    if status.state in ("checking", "checked"):
        return (
            f'<div class="tr-head" data-state="{status.state}" data-step="0"><p class="tr-state">'
            f"<b>{STATES[status.state]}</b> <span>{html.escape(status_sentence(status))}</span></p></div>"
        )
    return (
        f'<div class="tr-head" data-state="{status.state}" data-step="{status.step}">'
        f'<p class="tr-state"><b>{STATES[status.state]}</b> <span>{html.escape(status_sentence(status))}</span></p>'
        f'<div class="eg-track" role="progressbar" aria-label="Training" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>{more}</div>'
    )


def status_sentence(status: Status) -> str:
    """The state as a sentence."""
    at = f"step {status.step:,} of {status.steps:,}"
    if status.state == "starting" and status.message:
        return f"Your clips are being prepared: {status.message}."
    if status.state == "checking":
        if status.message.endswith("files"):
            return f"Your clips are being prepared: {status.message}."
        so_far = f": {status.message}" if status.message else ""
        return f"A small discriminator learns to tell the two sides apart{so_far}. That takes some minutes."
    if status.state == "checked":
        return "Nothing was trained yet."
    if status.state == "starting":
        return "The first clips are being prepared. The first numbers come in a minute or two; many clips take longer."
    if status.state == "running":
        speed = "" if status.seconds_per_step is None else f", {seconds(status.seconds_per_step)} a step"
        left = "" if status.seconds_left is None else f", {duration(status.seconds_left)} left"
        return f"{at.capitalize()}{speed}{left}."
    if status.state == "stopping":
        return f"{at.capitalize()}. It ends after the current step, and saves."
    if status.state == "stopped" and status.message == CHECK_STOPPED:
        return CHECK_STOPPED
    if status.state == "stopped":
        return f"At {at}. Resume goes on from where it was saved, exactly as if it had never stopped."
    if status.state == "finished":
        return f"All {status.steps:,} steps are done." if status.step >= status.steps else status.message
    if status.state == "failed":
        return f"At {at}. {status.message}" if status.step else status.message
    return "This run has not begun."


def best_sentence(job: Job) -> str:
    """The best held-out measures so far, in a sentence; empty before the first."""
    line = best_of(measured_of(job.lines()))
    if line is None:
        return ""
    found = []
    for name, unit, digits in (("psnr", " dB", 2), ("ssim", "", 3)):
        after, before = (line["held_out"].get(f"{name}_{side}") for side in ("output", "input"))
        if isinstance(after, float) and isinstance(before, float):
            found.append(
                f"{name.upper()} {after:.{digits}f}{unit} ({after - before:+.{digits}f} against the input)"
            )
    return f"Best on held-out clips at step {line['step']:,}: {', '.join(found)}." if found else ""


def seconds(value: float) -> str:
    """A short time in seconds."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def duration(value: float) -> str:
    """A long time in seconds, minutes, hours or days."""
    if value < 90:
        return f"{max(1, round(value)):d} s"
    minutes = round(value / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes < 2880 else f"{minutes / 1440:.1f} days"


def log(lines: Sequence[str]) -> str:
    """The end of the log."""
    return f'<pre class="tr-log" tabindex="0">{html.escape(chr(10).join(lines)) or "Empty so far."}</pre>'
