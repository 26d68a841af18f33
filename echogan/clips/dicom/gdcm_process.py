"""Decode with GDCM in a child process: on a damaged JPEG, GDCM can abort its process or print to its output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import numpy as np
from pydicom.uid import JPEGLSTransferSyntaxes

from echogan.clips.dicom.layout import DAMAGED, Layout
from echogan.core.errors import UnreadableClip

FRAME_SECONDS = 60.0


class GdcmDecoder:
    """A child process that decodes JPEG lossless and JPEG-LS frames; it starts with the first frame."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def decode(self, encoded: bytes, layout: Layout, precision: int) -> np.ndarray:
        """The values of a coded frame, `precision` bits each: (H, W), or (H, W, 3) as stored. Raises UnreadableClip."""
        child = self._start()
        # A damaged frame may keep the decoder busy for ever; killing the child ends the wait below.
        watch = Timer(FRAME_SECONDS, child.kill)
        watch.start()
        try:
            data = _exchange(child, encoded, layout, precision)
        except (OSError, ValueError) as error:
            if not watch.finished.is_set():  # it did not hang, so the next frame may start another child
                self.close()
                self._child = None
            raise UnreadableClip(DAMAGED) from error
        finally:
            watch.cancel()
        return _arrange(data, layout)

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            worker = Path(__file__).with_name("gdcm_worker.py")
            # -P: nothing is imported from the worker's own folder, whose modules have common names (header, object).
            self._child = subprocess.Popen(
                [sys.executable, "-P", str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # the parent handles Ctrl-C
            )
        return self._child

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()


@contextmanager
def gdcm_decoder() -> Iterator[GdcmDecoder]:
    """A decoder whose child process ends with the block."""
    decoder = GdcmDecoder()
    try:
        yield decoder
    finally:
        decoder.close()


def _exchange(child: subprocess.Popen[bytes], encoded: bytes, layout: Layout, precision: int) -> bytes:
    """Send a frame and wait for its bytes. Raises ValueError or OSError if the child failed or died."""
    assert child.stdin is not None
    assert child.stdout is not None
    request = {
        "syntax": str(layout.syntax),
        "rows": layout.rows,
        "columns": layout.columns,
        "samples": layout.samples,
        "planar": layout.planar,
        # Named RGB, colours are left as they are stored.
        "photometric": "RGB" if layout.samples == 3 else layout.photometric,
        "bits": precision,
        "signed": int(layout.signed),
        "bytes": len(encoded),
    }
    child.stdin.write(json.dumps(request).encode() + b"\n" + encoded)
    child.stdin.flush()
    size = int(child.stdout.readline())
    return child.stdout.read(size)


def _arrange(data: bytes, layout: Layout) -> np.ndarray:
    """The decoder's bytes as an array, samples by pixel."""
    count = layout.rows * layout.columns * layout.samples
    if len(data) not in (count, 2 * count):
        raise UnreadableClip(DAMAGED)
    values = np.frombuffer(data, "<u2" if len(data) > count else "u1")
    if layout.samples == 1:
        return values.reshape(layout.rows, layout.columns)
    by_plane = layout.planar == 1 and layout.syntax not in JPEGLSTransferSyntaxes
    if by_plane:
        return np.moveaxis(values.reshape(3, layout.rows, layout.columns), 0, -1)
    return values.reshape(layout.rows, layout.columns, 3)
