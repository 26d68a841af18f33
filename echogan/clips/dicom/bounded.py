"""Read the elements of a DICOM file within bounds: so many of them, and so many bytes of values."""

from __future__ import annotations

from typing import Any, BinaryIO

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from echogan.core.errors import ClipTooLarge

MOST_READS = 400_000  # an element takes one or two; a vendor's private sequences have some thousands
MOST_BYTES = 16 * 2**20  # of values that are read, not skipped
MOST_VALUES = (
    3 * 2**19
)  # bytes of the values that are then used: 20,000 frame times, or three palettes, are less
MOST_ITEMS = 1000  # of a sequence that is used
TOO_MUCH = "The header of this DICOM file holds far more than that of a clip; export the clip again."
META_GROUP = 0x0002


class BoundedReader:
    """A file that raises ClipTooLarge once a header has been read from it for too long. Skipping costs nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._reads, self._bytes = file, MOST_READS, MOST_BYTES
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """As of a file; all that is left is never asked for."""
        data = self._file.read(min(size, self._bytes + 1) if size >= 0 else self._bytes + 1)
        self._reads -= 1
        self._bytes -= len(data)
        if min(self._reads, self._bytes) < 0:
            raise ClipTooLarge(TOO_MUCH)
        return data


def read_elements(file: BinaryIO, **options: Any) -> Dataset:
    """What `dcmread` reads from an open file with these options. Raises ClipTooLarge, and what `dcmread` raises."""
    bounded: Any = BoundedReader(file)
    return dcmread(bounded, force=True, **options)


def read_meta(file: BinaryIO) -> Dataset:
    """The file meta group; empty where the file has none."""
    file.seek(0)
    if file.read(132)[128:] != b"DICM":
        return Dataset()
    bounded: Any = BoundedReader(file)
    return read_dataset(bounded, False, True, stop_when=lambda tag, vr, length: tag.group != META_GROUP)


def check_values(header: Dataset) -> None:
    """Raise ClipTooLarge if the values, which are numbers only once they are looked at, would fill the memory."""
    if _bytes_of(header) > MOST_VALUES:
        raise ClipTooLarge(TOO_MUCH)


def _bytes_of(dataset: Dataset) -> int:
    total = 0
    for tag in dataset.keys():  # noqa: SIM118 - iterating over the dataset itself would convert every value
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            total += len(element.value or b"")
        elif element is not None and element.VR == "SQ":
            if len(element.value) > MOST_ITEMS:
                raise ClipTooLarge(TOO_MUCH)
            total += sum(map(_bytes_of, element.value))
    return total
