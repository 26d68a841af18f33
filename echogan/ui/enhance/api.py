"""The public endpoints of the page: /enhance, /diagnose and /models (docs/api.md)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from anyio.to_thread import run_sync
from gradio.context import LocalContext

from echogan.core.errors import EchoGANError
from echogan.core.notice import NOTICE
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.ui.access import address_of
from echogan.ui.enhance.admission import Admission
from echogan.ui.enhance.endpoint import Call, serve
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.error_words import log_place, sentence
from echogan.ui.models.model_facts import list_models

BLACKED_OUT = "What comes of DICOM is black outside the sector."


def build_api(place: Workplace) -> None:
    """Add the endpoints to the page, with nothing to see. Call inside a gr.Blocks."""
    do = Endpoints(place)
    # A call holds no thread while it waits, and `Admission` counts them.
    at_once: dict[str, Any] = {"concurrency_id": "api", "concurrency_limit": None}
    with gr.Group(visible=False):
        file = gr.File(label="file")
        model = gr.Textbox(value=place.models.first or "", label="model")
        strength = gr.Number(value=1.0, label="strength")
        keep_original = gr.Checkbox(value=False, label="keep_original")
        enhanced, figure, card = (
            gr.File(label="enhanced"),
            gr.File(label="figure"),
            gr.File(label="trust_card"),
        )
        report, models = gr.JSON(label="report"), gr.JSON(label="models")
        gr.Button().click(
            do.enhance,
            [file, model, strength, keep_original],
            [enhanced, report],
            api_name="enhance",
            api_description="Enhance one clip. Returns the enhanced MP4 and the report. strength is the share of the "
            "change that is applied, 0 to 1; keep_original shows the original where the result is flagged. "
            f"{BLACKED_OUT} {NOTICE}.",
            **at_once,
        )
        gr.Button().click(
            do.diagnose,
            [file, model],
            [figure, card, report],
            api_name="diagnose",
            api_description="Show what enhancing one clip at full strength would change, and where not to believe it. "
            f"Returns the maps as PNG, the trust card as PDF, and the report. {NOTICE}.",
            **at_once,
        )
        gr.Button().click(
            do.models,
            None,
            models,
            api_name="models",
            api_description="List the models that can be named: name, kind, sha256, size in bytes, parameters, "
            "working_size in pixels, license, calibrated, trained_on.",
            **at_once,
        )


class Endpoints:
    """The functions behind the endpoints."""

    def __init__(self, place: Workplace) -> None:
        self.place, self.admission = place, Admission()

    async def enhance(
        self, file: str | None, model: str, strength: float, keep_original: bool, request: gr.Request
    ) -> tuple[str, dict[str, Any]]:
        """The enhanced MP4, and the report."""
        outputs, report = await self._served(file, model, strength, keep_original, enhanced_clip, request)
        return str(outputs.clips[0]), report.to_dict()

    async def diagnose(
        self, file: str | None, model: str, request: gr.Request
    ) -> tuple[str, str, dict[str, Any]]:
        """The maps as PNG, the trust card as PDF, and the report."""
        outputs, report = await self._served(file, model, 1.0, False, maps_and_card, request)
        return str(outputs.figure), str(outputs.trust_card), report.to_dict()

    async def models(self) -> list[dict[str, Any]]:
        """The models at hand."""
        return [facts.told() for facts in await run_sync(list_models, self.place.models)]

    async def _served(
        self,
        file: str | None,
        model: str,
        strength: float,
        keep_original: bool,
        outputs: Callable[[Path], Outputs],
        request: gr.Request,
    ) -> tuple[Outputs, Report]:
        """Serve a call, in turn. Raises gr.Error with a sentence."""
        # A call without a session shares nothing with another one.
        client, address = request.session_hash or secrets.token_hex(16), address_of(request)
        event = LocalContext.event_id.get(None) or client
        try:
            with self.admission.call(client, address):
                call = Call(file, model, strength, keep_original, outputs, client, address, event)
                return await serve(self.place, call)
        except Exception as error:
            if not isinstance(error, EchoGANError):
                log_place(error)
            raise gr.Error(sentence(error), print_exception=False) from None


def enhanced_clip(folder: Path) -> Outputs:
    """What /enhance writes."""
    return Outputs(clips=[folder / "enhanced.mp4"])


def maps_and_card(folder: Path) -> Outputs:
    """What /diagnose writes."""
    return Outputs(figure=folder / "maps.png", trust_card=folder / "trust_card.pdf")
