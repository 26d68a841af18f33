"""DICOM nodes on 127.0.0.1 to send to and to receive with, of pynetdicom alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pynetdicom
from app_process import free_port
from pydicom.dataset import Dataset

PLAIN = "1.2.840.10008.1.2.1"


def send(
    port: int, path: Path, calling: str = "SENDER", sop_class: str | None = None, times: int = 1
) -> int | None:
    """The highest status of so many C-STORE requests of one association; None where it or its context was refused."""
    found = pydicom.dcmread(path, force=True)
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(sop_class or found.SOPClassUID, found.file_meta.TransferSyntaxUID)
    node = entity.associate("127.0.0.1", port)
    if not node.is_established:
        return None
    try:
        found = [node.send_c_store(path).get("Status") for _ in range(times)]
        return None if None in found else max(found)
    except ValueError:  # no accepted context
        return None
    finally:
        node.release()


def echo(port: int) -> int | None:
    """The status of a C-ECHO."""
    entity = pynetdicom.AE()
    entity.add_requested_context("1.2.840.10008.1.1")
    node = entity.associate("127.0.0.1", port)
    try:
        return node.send_c_echo().get("Status") if node.is_established else None
    finally:
        node.release()


@contextmanager
def receiver(
    syntaxes: tuple[str, ...] = (PLAIN,), status: int = 0, port: int = 0
) -> Iterator[tuple[int, list[Dataset]]]:
    """(port, what came) of a node that takes ultrasound in these transfer syntaxes and answers with `status`."""
    came: list[Dataset] = []

    def take(event) -> int:
        found = event.dataset
        found.file_meta = event.file_meta
        came.append(found)
        return status

    entity = pynetdicom.AE(ae_title="RECEIVER")
    entity.add_supported_context("1.2.840.10008.5.1.4.1.1.3.1", list(syntaxes))
    port = port or free_port()
    chunked, pynetdicom._config.STORE_RECV_CHUNKED_DATASET = (
        pynetdicom._config.STORE_RECV_CHUNKED_DATASET,
        False,
    )
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(pynetdicom.evt.EVT_C_STORE, take)]
    )
    try:
        yield port, came
    finally:
        server.shutdown()
        pynetdicom._config.STORE_RECV_CHUNKED_DATASET = chunked
