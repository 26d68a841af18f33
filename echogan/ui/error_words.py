"""What a visitor is told of an error, and what the log is told. Without Gradio, whose import takes seconds."""

from __future__ import annotations

import errno
import logging
import traceback

from echogan.core.errors import EchoGANError, OutputError

FAILED = "Something went wrong inside EchoGANhance; its log says where. Try again, or try another clip."
DISK_FULL = "The server's disk is full. Tell whoever runs the server, or try again later."
DISK_CLOSED = "The server cannot write to its disk. Tell whoever runs the server."


def sentence(error: Exception) -> str:
    """What a visitor is told: a user's mistake has its own sentence, and so has a disk; FAILED for a fault of ours."""
    disk = error.__cause__ if isinstance(error, OutputError) else error
    code = disk.errno if isinstance(disk, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if code in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO):
        return DISK_CLOSED
    return str(error) if isinstance(error, EchoGANError) else FAILED


def log_place(error: BaseException) -> None:
    """Log where an error of ours was raised and its type; not its message, which may quote a patient's name."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logging.getLogger("echogan").error("%s at\n%s", type(error).__name__, place)
