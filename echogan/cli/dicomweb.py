"""`python -m echogan dicomweb`: the echo cines of a study on a DICOM server, enhanced and stored back."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.cli.console import progress_bar, stop_on_interrupt
from echogan.clips.clip import ClipLimits
from echogan.core.errors import SettingsError
from echogan.enhance.enhancer import EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT

STORING = (
    "--store puts the results into the patient's own study, so they carry the patient's identity: say so with "
    "--keep-identity, or take de-identified results with --output FOLDER."
)
OPEN = "The connection is not encrypted: pictures, and a login where one is set, can be read on the way."


@dataclass
class DicomWeb:
    """Enhance the echo cines of a study or a series of a DICOMweb server (QIDO-RS, WADO-RS, STOW-RS).

    A token is read from the environment variable ECHOGAN_DICOMWEB_TOKEN, or a login as name:password from
    ECHOGAN_DICOMWEB_LOGIN. Neither is stored or shown. Stills, volumes and what is no B-mode are skipped, and with
    --store also clips whose result by the same model and strength is in the study: an interrupted run goes on.
    Exit code: 0 done, 1 some clips failed, 2 wrong usage or settings, or no access, 130 stopped by Ctrl-C.
    """

    url: Annotated[Positional[str], arg(metavar="URL", help="of the service, http://pacs:8042/dicom-web")]
    uid: Annotated[Positional[str], arg(metavar="UID", help="UID of a study or of a series")]
    store: bool = False
    """store the results in the same study, as a new series; needs --keep-identity"""
    output: Path | None = None
    """write the results (.dcm) and their reports into this folder, new or empty"""
    keep_identity: bool = False
    """keep the patient's data and burnt-in text in the results"""
    model: str = DEFAULT
    """a bundled checkpoint, its folder, or user/model[@revision] on the Hugging Face Hub"""
    settings: OmitArgPrefixes[EnhanceSettings] = field(default_factory=EnhanceSettings)
    limits: OmitArgPrefixes[ClipLimits] = field(default_factory=ClipLimits)

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.archive.pacs.dicomweb import DicomWebServer
        from echogan.archive.pacs.enhance_study import check_output, enhance_study
        from echogan.archive.pacs.one_object import ObjectJob
        from echogan.model.checkpoints.hub import load_checkpoint

        self.settings.check()
        self.limits.check()
        if self.store == (self.output is not None):
            raise SettingsError("Say where the results go: --store, or --output FOLDER.")
        if self.store and not self.keep_identity:
            raise SettingsError(STORING)
        if self.output is not None:
            check_output(self.output)
        server = DicomWebServer(self.url)
        if server.open_to_others:
            print(OPEN, file=sys.stderr)
        job = ObjectJob(load_checkpoint(self.model), self.keep_identity, self.settings, self.limits)
        with stop_on_interrupt() as cancel:
            counts = enhance_study(server, self.uid, job, self.output, print, progress_bar, cancel)
        print(f"{counts.enhanced} enhanced, {counts.skipped} skipped, {counts.failed} failed.")
        return 1 if counts.failed else 0
