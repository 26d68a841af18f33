"""The one public endpoint, /enhance: (file, model, strength) to (enhanced MP4, report)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from echogan.clips.guard.guard import Look, look
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import Cancelled, EchoGANError, SettingsError
from echogan.core.notice import NOTICE
from echogan.core.settings import check_setting
from echogan.core.version import __version__
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.ui.enhance.fair_queue import Job
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.feedback import FAILED, log_place
from echogan.ui.session import ClientTask

AT_ONCE = 4  # calls that wait for the device in threads of their own; others wait in Gradio's queue


def build_endpoint(place: Workplace) -> None:
    """Add /enhance to the page, with nothing to see. Call inside a gr.Blocks."""

    def enhance(
        file: str | None, model: str, strength: float, request: gr.Request
    ) -> tuple[str, dict[str, Any]]:
        return serve(place, file, model, strength, str(request.session_hash))

    with gr.Group(visible=False):
        file = gr.File(label="file")
        model = gr.Textbox(value=place.models.first or "", label="model")
        strength = gr.Number(value=1.0, label="strength")
        enhanced, report = gr.File(label="enhanced"), gr.JSON(label="report")
        gr.Button().click(
            enhance,
            [file, model, strength],
            [enhanced, report],
            api_name="enhance",
            api_description="Enhance one clip. Returns the enhanced MP4 and the report. DICOM input is blacked out "
            f"outside the sector. {NOTICE}.",
            concurrency_id="api",
            concurrency_limit=AT_ONCE,
        )


def serve(
    place: Workplace, file: str | None, model: str, strength: float, key: str
) -> tuple[str, dict[str, Any]]:
    """Enhance for a client, in turn with the visitors; a user's mistake becomes an error with its sentence."""
    if file is None:
        raise gr.Error("Send a file to enhance.", print_exception=False)
    task = place.sessions.begin(key)
    try:
        with place.sessions.using(key, file):
            if not isinstance(strength, int | float):
                raise SettingsError("The strength is not a number. Give one from 0 to 1.")
            check_setting(EnhanceSettings, "strength", strength)
            place.models.check(model)
            seen = look(Path(file), cancel=task.cancel)
            report = _in_turn(place, task, seen, model, float(strength), key)
            return str(task.folder / "enhanced.mp4"), report.to_dict()
    except Exception as error:
        place.sessions.drop(key, task)
        if isinstance(error, EchoGANError):
            raise gr.Error(str(error), print_exception=False) from None
        log_place(error)
        raise gr.Error(FAILED, print_exception=False) from None
    finally:
        task.cancel.set()


def _in_turn(place: Workplace, task: ClientTask, seen: Look, model: str, strength: float, key: str) -> Report:
    """Wait for the device and enhance into the task's folder. Raises what `enhance_file` raises, and Cancelled."""
    found: list[Report | Exception] = []

    def work(job: Job) -> None:
        def count(done: int, total: int) -> None:
            job.done = done

        try:
            checkpoint, settings = place.models.load(model), EnhanceSettings(strength=strength)
            outputs = Outputs(clips=[task.folder / "enhanced.mp4"])
            write = WriteOptions(blackout=seen.clip.kind == "dicom", software_version=__version__)
            report = enhance_file(
                seen.clip,
                outputs,
                checkpoint,
                settings,
                seen.sector,
                progress=count,
                cancel=job.cancel,
                write=write,
            )
            found.append(report)
        except Exception as error:
            found.append(error)

    job = place.enhancing.queue.submit(Job(key, work, seen.clip.frames, cancel=task.cancel))
    job.over.wait()
    if not found:
        raise Cancelled("Stopped; nothing was written.")
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]
