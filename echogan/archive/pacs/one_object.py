"""One DICOM file of a server to the derived object; the file is decoded in a child process with limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from echogan.clips.clip import ClipLimits
from echogan.clips.guard.guard import ChildFault, look
from echogan.clips.write_options import Enhancement, WriteOptions
from echogan.core.errors import ClipError, OutputError, UnreadableClip, UnsupportedClip
from echogan.enhance.enhance_file import enhance_file, enhancement
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.model.checkpoints.checkpoint import Checkpoint

FAULT = "A fault of the program ended the work on this clip."


@dataclass(frozen=True)
class ObjectJob:
    """How objects are enhanced, and whether the results keep the patient's identity."""

    checkpoint: Checkpoint
    keep_identity: bool
    settings: EnhanceSettings = field(default_factory=EnhanceSettings)
    limits: ClipLimits = field(default_factory=ClipLimits)

    @property
    def made_by(self) -> Enhancement:
        """What the results say of their making."""
        return enhancement(self.checkpoint, self.settings.strength)


def enhance_object(
    source: Path,
    target: Path,
    job: ObjectJob,
    report: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> list[str]:
    """Write the derived object, .dcm, and the report; the warnings to the reader.

    Raises as `enhance_file` does; OutputError only where the disk is the reason.
    """
    write = WriteOptions(keep_identity=job.keep_identity)
    try:
        seen = look(source, job.limits, cancel)
        done = enhance_file(
            seen.clip,
            Outputs([target], report=report),
            job.checkpoint,
            job.settings,
            seen.sector,
            progress,
            cancel,
            write,
        )
    except ChildFault:
        raise UnreadableClip(FAULT) from None
    except OutputError as error:
        if isinstance(error.__cause__, OSError):
            raise
        raise UnsupportedClip(str(error)) from None  # too long for one object
    except ClipError as error:  # they name the file, which is one for the moment
        raise type(error)(str(error).replace(f"'{source.name}'", "The file")) from None
    return done.warnings
