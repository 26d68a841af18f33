"""What the data check found, on the page: the advice, the numbers, and what the discriminators will see."""

from __future__ import annotations

import base64
import html
from typing import Any

from echogan.jobs.data_check_advice import Side
from echogan.jobs.job import Job
from echogan.ui.train.run_view import duration, seconds


def check_panel(job: Job, picture: bool) -> str:
    """The findings of the last data check as HTML; "" where there are none. `picture` says whether frames are shown."""
    found = job.checked()
    try:
        return _panel(job, found, picture) if found else ""
    except (KeyError, TypeError, ValueError, OSError):  # damaged, or of another version
        return ""


def _panel(job: Job, found: dict[str, Any], picture: bool) -> str:
    *advice, verdict = found["advice"]
    unseen = "" if found["unseen"] else ", some of them of clips that it had learnt from"
    facts = {
        "Poor": Side(**found["low"]).text().replace("+-", "±"),
        "Good": Side(**found["high"]).text().replace("+-", "±"),
        "Told apart": f"{100 * found['separability']:.0f} % of frames{unseen}; 50 % is chance",
        "Time": f"{seconds(found['seconds_per_step'])} a step, about {duration(3600 * found['hours'])} in all",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items())
    notes = "".join(f"<li>{html.escape(text)}</li>" for text in advice)
    return (
        f'<div class="tr-check" data-worth="{str(found["worth_starting"]).lower()}">'
        f'<p class="tr-verdict">{html.escape(verdict)}</p><dl>{rows}</dl>{f"<ul>{notes}</ul>" if notes else ""}'
        f"{_sheet(job) if picture else ''}</div>"
    )


def _sheet(job: Job) -> str:
    """The frames as a data URL: no file of them is left anywhere."""
    data = base64.b64encode(job.sheet.read_bytes()).decode()
    return f'<img alt="Poor frames left, good frames right" src="data:image/png;base64,{data}">'
