"""Folders as DICOM discs have them: files without suffixes and a DICOMDIR that lists them."""

import shutil
from pathlib import Path

from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset


def dicomdir(folder: Path, clip: Path, names: list[str], extra: list[list[str]] | None = None) -> Path:
    """Copy `clip` to each of `names` (with slashes) and list them, and then `extra` entries as they are."""
    records = []
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / name)
        records.append(_record("IMAGE", name.split("/")))
    records += [_record("IMAGE", parts) for parts in extra or []]
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = uid.MediaStorageDirectoryStorage
    made.file_meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.FileSetID = "DISC"
    made.DirectoryRecordSequence = [_record("PATIENT", None), *records, _record("SR DOCUMENT", ["REPORT"])]
    made.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder


def _record(kind: str, parts: list[str] | None) -> Dataset:
    record = Dataset()
    record.OffsetOfTheNextDirectoryRecord, record.RecordInUseFlag = 0, 0xFFFF
    record.DirectoryRecordType = kind
    if parts is not None:
        record.ReferencedFileID = parts
    return record
