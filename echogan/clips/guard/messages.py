"""What crosses between the page's process and the children: lines of JSON, and arrays as they lie in memory."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

import numpy as np

LONGEST_LINE = 32 * 2**20  # bytes of JSON: 20,000 durations and any number of notes are less
LARGEST_ARRAY = 2**30
TYPES = ("|u1", "|b1")

Message = dict[str, Any]


class Gone(Exception):
    """The other process ended, or closed the connection."""


def send(to: socket.socket, facts: Message, arrays: Sequence[np.ndarray] = ()) -> None:
    """Send facts that JSON can hold, and arrays of uint8 or bool. Raises OSError if nobody listens."""
    shapes = [(array.dtype.str, array.shape) for array in arrays]
    line = json.dumps({"facts": facts, "arrays": shapes}).encode()
    to.sendall(len(line).to_bytes(4, "big") + line)
    for array in arrays:
        if array.size:
            to.sendall(np.ascontiguousarray(array).view(np.uint8).data.cast("B"))


def receive(source: socket.socket) -> tuple[Message, list[np.ndarray]]:
    """The next facts and arrays. Raises Gone, TimeoutError, and ValueError for what `send` cannot have sent."""
    length = int.from_bytes(_exactly(source, 4), "big")
    if length > LONGEST_LINE:
        raise ValueError("too long a message")
    message = json.loads(_exactly(source, length))
    arrays = []
    for name, shape in message["arrays"]:
        size = int(np.prod(shape, dtype=object))
        if name not in TYPES or not 0 <= size <= LARGEST_ARRAY:
            raise ValueError("no array of a clip")
        arrays.append(np.frombuffer(_exactly(source, size), name).reshape(shape))
    return message["facts"], arrays


def _exactly(source: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            count = source.recv_into(view)
        except ConnectionError:
            count = 0
        if not count:
            raise Gone
        view = view[count:]
    return data
