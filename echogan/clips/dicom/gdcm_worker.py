"""The child process that runs GDCM: coded frames in on standard input, decoded bytes out on standard output.

Started by `gdcm_process` by its path, so it imports nothing of this package. A request is a line of JSON, then as
many bytes as its "bytes" field says. An answer is a line with the number of bytes, then the bytes; none on failure.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import gdcm

FRAME_SECONDS = 90  # past the patience of gdcm_process


def decode(encoded: bytes, request: dict[str, Any]) -> bytes:
    """The bytes of one decoded frame, samples in the order `planar` asks for (JPEG-LS: always by pixel)."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(encoded)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    pixel_data = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    pixel_data.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((request["columns"], request["rows"], 1))
    image.SetDataElement(pixel_data)
    color = gdcm.PhotometricInterpretation.GetPIType(request["photometric"])
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(color))
    if request["samples"] > 1:
        image.SetPlanarConfiguration(request["planar"])
    syntax = gdcm.TransferSyntax.GetTSType(request["syntax"])
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    bits = request["bits"]
    image.SetPixelFormat(
        gdcm.PixelFormat(request["samples"], 8 if bits <= 8 else 16, bits, bits - 1, request["signed"])
    )
    # GDCM hands bytes to Python as text, undecodable ones as surrogates.
    return image.GetBuffer().encode("utf-8", "surrogateescape")


def serve() -> None:
    """Answer one frame after the other until standard input ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline():
        request = json.loads(line)
        encoded = requests.read(request["bytes"])
        signal.alarm(
            FRAME_SECONDS
        )  # unhandled: this process ends, also where the one that started it has gone
        try:
            data = decode(encoded, request)
        except Exception:
            # No message: it could quote the file.
            data = b""
        signal.alarm(0)
        answers.write(f"{len(data)}\n".encode() + data)
        answers.flush()


if __name__ == "__main__":
    serve()
