"""Where the listener's results go: a folder, or another DICOM node by C-STORE (PS3.4, Annex B)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from echogan.archive.pacs.libraries import pynetdicom
from echogan.clips.dicom.exchange import object_facts, read_object
from echogan.core.atomic import output_errors, replacing
from echogan.core.errors import DicomServerError, ObjectRefused, SettingsError

JPEG_LS, PLAIN = "1.2.840.10008.1.2.4.80", ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
STORED = (0x0000, 0xB000, 0xB006, 0xB007)  # success, and warnings with which the object is kept
SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 10, 120


class Delivery(Protocol):
    """Takes a result. Raises DicomServerError or OutputError where it cannot now, ObjectRefused where it never will."""

    def deliver(self, path: Path) -> None:
        """Hand the file over; it stays where it is."""
        ...


@dataclass(frozen=True)
class FolderDelivery:
    """A folder of files, each named by the new UID of its object, which says nothing of the patient."""

    folder: Path

    def deliver(self, path: Path) -> None:
        """Copy the file, whole or not at all. Raises OutputError."""
        target = self.folder / f"{object_facts(path).instance}.dcm"
        with output_errors(target):
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(target, sync=True) as part:
                shutil.copyfile(path, part)

    def __str__(self) -> str:
        return f"the folder {self.folder}"


@dataclass(frozen=True)
class NodeDelivery:
    """Another DICOM node, which knows us as `calling`."""

    host: str
    port: int
    title: str
    calling: str

    @classmethod
    def parse(cls, text: str, calling: str) -> Self:
        """HOST:PORT:AET. Raises SettingsError."""
        host, port, title = (*text.rsplit(":", 2), "", "")[:3]
        if not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise SettingsError(f"'{text}' is no receiver: give HOST:PORT:AET, such as pacs:104:ARCHIVE.")
        return cls(host, int(port), check_title(title), calling)

    def deliver(self, path: Path) -> None:
        """Send the file as it is, or decompressed where the node does not take JPEG-LS."""
        library, facts = pynetdicom(), object_facts(path)
        library._config.STORE_SEND_CHUNKED_DATASET = True  # a file is sent as it lies on the disk
        entity = library.AE(ae_title=self.calling)
        entity.connection_timeout = entity.acse_timeout = SECONDS_TO_CONNECT
        entity.dimse_timeout = entity.network_timeout = SECONDS_TO_ANSWER
        for syntaxes in (JPEG_LS, list(PLAIN)):
            entity.add_requested_context(facts.sop_class, syntaxes)
        node = entity.associate(self.host, self.port, ae_title=self.title)
        if not node.is_established:
            raise DicomServerError(f"{self} cannot be reached, or does not let {self.calling} in.")
        try:
            taken = {str(one.transfer_syntax[0]) for one in node.accepted_contexts}
            if not taken:
                raise ObjectRefused(f"{self} does not take ultrasound.")
            sent = path if JPEG_LS in taken else read_object(path, decompressed=True)
            status = node.send_c_store(sent).get("Status")
        finally:
            node.release()
        if status is None:
            raise DicomServerError(f"{self} broke off.")
        if 0xA700 <= status <= 0xA7FF:
            raise DicomServerError(f"{self} has no room now.")
        if status not in STORED:
            raise ObjectRefused(f"{self} refuses the result (status {status:04X}).")

    def __str__(self) -> str:
        return f"{self.title} at {self.host}:{self.port}"


def check_title(title: str) -> str:
    """An application entity title (PS3.5, 6.2: AE). Raises SettingsError."""
    title = title.strip()
    if not 1 <= len(title) <= 16 or not (title.isascii() and title.isprintable()) or "\\" in title:
        raise SettingsError(
            f"'{title[:20]}' is no application entity title: give 1 to 16 characters of ASCII."
        )
    return title
