"""The one public endpoint, /enhance: (file, model, strength) to (enhanced MP4, report)."""

from __future__ import annotations

from typing import Any

import gradio as gr

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import Cancelled, EchoGANError, SettingsError
from echogan.core.notice import NOTICE
from echogan.core.version import __version__
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.ui.enhance.fair_queue import Job
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.feedback import log_place, sentence
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
    try:
        task = place.sessions.begin(key)
    except OSError as error:
        log_place(error)
        raise gr.Error(sentence(error), print_exception=False) from None
    try:
        with place.sessions.using(key, file):
            if not isinstance(strength, int | float):
                raise SettingsError("The strength is not a number. Give one from 0 to 1.")
            place.models.check(model)
            clip = open_clip(file)
            # A repository of the Hub is fetched before the clip waits for the device, which nobody waits for then.
            chosen = model if place.models.at_hand(model) else place.models.fetch(model)
            report = _in_turn(place, task, clip, chosen, float(strength), key)
            return str(task.folder / "enhanced.mp4"), report.to_dict()
    except Exception as error:
        place.sessions.drop(key, task)
        if not isinstance(error, EchoGANError):
            log_place(error)
        raise gr.Error(sentence(error), print_exception=False) from None
    finally:
        task.cancel.set()


def _in_turn(
    place: Workplace, task: ClientTask, clip: ClipFile, model: str | Checkpoint, strength: float, key: str
) -> Report:
    """Wait for the device and enhance into the task's folder. Raises what `enhance_file` raises, and Cancelled."""
    found: list[Report | Exception] = []

    def work(job: Job) -> None:
        def count(done: int, total: int) -> None:
            job.done = done

        try:
            models, settings = place.models, EnhanceSettings(strength=strength)
            checkpoint = models.load(model) if isinstance(model, str) else models.load_fetched(model)
            outputs = Outputs(clips=[task.folder / "enhanced.mp4"])
            write = WriteOptions(blackout=clip.kind == "dicom", software_version=__version__)
            report = enhance_file(
                clip, outputs, checkpoint, settings, progress=count, cancel=job.cancel, write=write
            )
            found.append(report)
        except Exception as error:
            found.append(error)

    job = place.enhancing.queue.submit(Job(key, work, clip.frames, cancel=task.cancel))
    job.over.wait()
    if not found:
        raise Cancelled("Stopped; nothing was written.")
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]
