"""The one public endpoint, /enhance: (file, model, strength) to (enhanced MP4, report)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from echogan.clips.files import open_clip
from echogan.core.errors import EchoGANError, SettingsError
from echogan.core.notice import NOTICE
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.result import enhance_for_client
from echogan.ui.feedback import FAILED, GPU, log_place
from echogan.ui.session import Done, Sessions, in_thread


def build_endpoint(sessions: Sessions, models: ModelChoices) -> None:
    """Add /enhance to the page, with nothing to see. Call inside a gr.Blocks."""

    def enhance(
        file: str | None, model: str, strength: float, request: gr.Request
    ) -> Iterator[tuple[Any, Any]]:
        yield from serve(sessions, models, file, model, strength, str(request.session_hash))

    with gr.Group(visible=False):
        file = gr.File(label="file")
        names = models.names()
        model = gr.Textbox(value=names[0] if names else "", label="model")
        strength = gr.Number(value=1.0, label="strength")
        enhanced, report = gr.File(label="enhanced"), gr.JSON(label="report")
        gr.Button().click(
            enhance,
            [file, model, strength],
            [enhanced, report],
            api_name="enhance",
            api_description="Enhance one clip. Returns the enhanced MP4 and the report. DICOM input is blacked out "
            f"outside the sector. {NOTICE}.",
            **GPU,
        )


def serve(
    sessions: Sessions, models: ModelChoices, file: str | None, model: str, strength: float, key: str
) -> Iterator[tuple[Any, Any]]:
    """Enhance for a client; a user's mistake arrives there as an error with its sentence."""
    if file is None:
        raise gr.Error("Send a file to enhance.", print_exception=False)
    task = sessions.begin(key)
    try:
        with sessions.using(key, file):
            if not isinstance(strength, int | float):
                raise SettingsError("The strength is not a number. Give one from 0 to 1.")
            clip, checkpoint = open_clip(file), models.load(model)
            work = partial(enhance_for_client, clip, checkpoint, float(strength), task.folder)
            for step in in_thread(work, task.cancel):
                if isinstance(step, Done):
                    yield str(task.folder / "enhanced.mp4"), step.result.to_dict()
    except Exception as error:
        sessions.drop(key, task)
        if isinstance(error, EchoGANError):
            raise gr.Error(str(error), print_exception=False) from None
        log_place(error)
        raise gr.Error(FAILED, print_exception=False) from None
