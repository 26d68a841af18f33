"""The errors a user can cause. Every message is one sentence or two: what is wrong, and what to do.

EchoGANError
├── ClipError                the input clip
│   ├── UnreadableClip       not a clip, truncated, damaged or encrypted
│   ├── UnsupportedClip      readable, but nothing that can be enhanced (Doppler, M-mode, not ultrasound)
│   └── ClipTooLarge         over one of the limits on pixels, frames or decoded bytes
├── SectorError              the fan given by hand does not fit the frame
├── CheckpointError          the generators
│   ├── CheckpointNotFound   no such folder, repository, revision or file; or no access to it
│   └── InvalidCheckpoint    found, but not what its config says, or not safetensors
├── SettingsError            a setting out of its range
├── OutputError              the result cannot be written
├── TrainingError            a run that cannot start or go on
├── DicomServerError         a DICOM server does not answer, does not let in, or answers what is no DICOMweb
│   └── ObjectRefused        it answers, but does not give or take this one object
├── StudyError               a reader study: its protocol, files, ratings or store
│   ├── ReaderLinkError      the reader's link is unknown, expired or revoked
│   ├── StudyStateError      not possible in the state that the study or the reading is in
│   └── StudyNotSaved        the disk or the event store did not take it; the same may be sent again
└── Cancelled                the user stopped the work
"""


class EchoGANError(Exception):
    """A mistake that the user can correct; the command line prints it and exits 2, the app shows it as a toast."""


class ClipError(EchoGANError):
    """The input clip cannot be used."""


class UnreadableClip(ClipError):
    """Not a clip, truncated, damaged or encrypted."""


class UnsupportedClip(ClipError):
    """Readable, but holds nothing that can be enhanced."""


class ClipTooLarge(ClipError):
    """Over a limit on pixels per frame, frames or decoded bytes."""


class SectorError(EchoGANError):
    """The fan given by hand does not fit the frame."""


class CheckpointError(EchoGANError):
    """The generators cannot be used."""


class CheckpointNotFound(CheckpointError):
    """No such folder, repository, revision or file, or no access to it."""


class InvalidCheckpoint(CheckpointError):
    """Found, but not what its config says, or not safetensors."""


class SettingsError(EchoGANError):
    """A setting out of its range."""


class OutputError(EchoGANError):
    """The result cannot be written."""


class TrainingError(EchoGANError):
    """A training run that cannot start or go on."""


class DicomServerError(EchoGANError):
    """A DICOM server does not answer, does not let in, or answers what it should not."""


class ObjectRefused(DicomServerError):
    """The server answers, but does not give or take this one object."""


class StudyError(EchoGANError):
    """A reader study that cannot be made, opened, read or stored."""


class ReaderLinkError(StudyError):
    """The reader's link is unknown, expired or revoked."""


class StudyStateError(StudyError):
    """Not possible in the state that the study or the reading is in."""


class StudyNotSaved(StudyError):
    """The disk or the event store did not take it; the same may be sent again."""


class Cancelled(EchoGANError):
    """The user stopped the work; nothing half-written is left."""
