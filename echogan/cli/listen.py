"""`python -m echogan listen`: a DICOM node (C-STORE SCP) that enhances the cines that are sent to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes

from echogan.archive.pacs.delivery import FolderDelivery, NodeDelivery
from echogan.archive.pacs.listener import ListenSettings, Worker, receiving
from echogan.archive.pacs.store_queue import StoreQueue
from echogan.cli.console import stop_on_interrupt
from echogan.clips.clip import ClipLimits
from echogan.core.atomic import remove_unfinished
from echogan.core.errors import SettingsError
from echogan.core.kept_folders import kept_folder
from echogan.enhance.enhancer import EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT

NAMELESS = "without the patient's identity, and so in no patient's study (--keep-identity keeps both)"
NAMED = "with the patient's identity, in the study of their clips"


@dataclass
class Listen:
    """Listen as a DICOM node: ultrasound multi-frame objects sent by C-STORE are enhanced in order and delivered.

    What was taken waits in a queue on disk, which outlives a restart; it holds patients' objects until they are done,
    readable by this user alone. C-ECHO is answered; what is no ultrasound cine is refused. DICOM asks for no
    password: whoever reaches the port may send. Ctrl-C or SIGTERM ends it.
    """

    send_to: str | None = None
    """deliver the results by C-STORE to this node, HOST:PORT:AET"""
    output: Path | None = None
    """deliver the results into this folder, into which nothing else writes"""
    queue: Path = field(default_factory=lambda: kept_folder("dicom-queue"))
    """folder of the queue"""
    keep_identity: bool = False
    """keep the patient's data and burnt-in text in the results, and their study"""
    model: str = DEFAULT
    """a bundled checkpoint, its folder, or user/model[@revision] on the Hugging Face Hub"""
    listen: OmitArgPrefixes[ListenSettings] = field(default_factory=ListenSettings)
    settings: OmitArgPrefixes[EnhanceSettings] = field(default_factory=EnhanceSettings)
    limits: OmitArgPrefixes[ClipLimits] = field(default_factory=ClipLimits)

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.archive.pacs.one_object import ObjectJob
        from echogan.model.checkpoints.hub import load_checkpoint

        for settings in (self.listen, self.settings, self.limits):
            settings.check()
        if (self.send_to is None) == (self.output is None):
            raise SettingsError("Say where the results go: --send-to HOST:PORT:AET, or --output FOLDER.")
        delivery = (
            NodeDelivery.parse(self.send_to, self.listen.title)
            if self.send_to is not None
            else FolderDelivery(self.output or Path())
        )
        job = ObjectJob(load_checkpoint(self.model), self.keep_identity, self.settings, self.limits)
        with (
            stop_on_interrupt() as cancel,
            StoreQueue(self.queue, self.listen.most_waiting) as queue,
            receiving(self.listen, queue, tell),
        ):
            if self.output is not None:
                remove_unfinished(self.output)  # a kill may have come while a result was delivered
            tell(f"Listening at {self.listen.host}:{self.listen.port} as {self.listen.title}.")
            tell(f"Results go to {delivery}, {NAMED if self.keep_identity else NAMELESS}.")
            if left := len(queue.waiting()):
                tell(f"{left} clips wait from before.")
            Worker(queue, job, delivery, tell).run(cancel)
            tell(f"Stopped; {len(queue.waiting())} clips wait in the queue.")
        return 0


def tell(line: str) -> None:
    """A line of the log, at once."""
    print(line, flush=True)
