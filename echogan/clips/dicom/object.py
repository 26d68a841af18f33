"""The header of a derived DICOM object: built from an allow-list, so that nothing unknown is carried over.

Without identity (the default) it follows PS3.15, Annex E, Basic Profile: only numbers, defined terms and this
software's own words are written, every UID is new, dates are empty. With identity the patient and study tags
are copied. Objects and tags: PS3.3, A.6 and A.7 (US Image, US Multi-frame), C.7.6.1 (derivation), C.12.1 (equipment,
identity).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.facts import FRAME_TIME, FRAME_TIME_VECTOR, clip_box, numbers, overruns, read_regions
from echogan.clips.dicom.header import HEADER_TAGS, DicomSource, read_header, reading
from echogan.clips.dicom.identity import IDENTITY_TAGS, SOFTWARE, add_privacy, code, new_uid, plain
from echogan.clips.write_options import WriteOptions
from echogan.core.geometry import Sector
from echogan.core.notice import NOTICE

SERIES_DESCRIPTION = f"AI-enhanced, {NOTICE.lower()} (EchoGANhance)"[:64]  # as long as the tag may be
MAX_SHORT_VALUE = 65_534

# Value 3 of Image Type that PS3.3, C.8.5.6.1.1 defines and an echo laboratory writes; other words are not kept.
EXAMINATIONS = ("EPICARDIAL", "FETAL HEART", "INTRACARDIAC", "TTE", "TEE", "STRESS", "ABDOMINAL", "CHEST")

LOSSY_METHODS = {
    uid.JPEGBaseline8Bit: "ISO_10918_1",
    uid.JPEGExtended12Bit: "ISO_10918_1",
    uid.JPEGLSNearLossless: "ISO_14495_1",
    uid.JPEG2000: "ISO_15444_1",
}
REGION_NUMBERS = """
    RegionSpatialFormat RegionDataType RegionFlags ReferencePixelX0 ReferencePixelY0 PhysicalUnitsXDirection
    PhysicalUnitsYDirection ReferencePixelPhysicalValueX ReferencePixelPhysicalValueY PhysicalDeltaX PhysicalDeltaY
"""


@dataclass(frozen=True)
class OriginalHeader:
    """What the derived object takes from a DICOM input: its header, and how its pixels were coded."""

    header: Dataset
    syntax: uid.UID


def read_source(like: ClipFile, keep_identity: bool) -> OriginalHeader | None:
    """The input's header if the input is DICOM, with its patient and study tags only where they are kept."""
    if like.kind != "dicom":
        return None
    with reading():
        source = DicomSource.of(like.path)
        with source.open() as file:
            header, place = read_header(file, HEADER_TAGS + (IDENTITY_TAGS if keep_identity else ""))
        return OriginalHeader(header, place.syntax if place is not None else uid.ExplicitVRLittleEndian)


def build_object(
    like: ClipFile,
    source: OriginalHeader | None,
    sector: Sector | None,
    options: WriteOptions,
    color: bool,
    frames: int,
) -> Dataset:
    """Everything but Pixel Data of an Ultrasound Multi-frame object with its file meta group; of an Ultrasound Image
    for a single frame, which has no time.

    `color` frames are RGB, others MONOCHROME2, 8 bits, JPEG-LS without loss.
    """
    made = Dataset()
    if options.keep_identity and source is not None:
        for tag in IDENTITY_TAGS.split():
            if tag in source.header:
                made[tag] = source.header[tag]
    _add_identifiers(made, source, options, frames)
    _add_pixels(made, like, color, frames)
    if frames > 1:
        _add_timing(made, like, options, frames)
    _add_space(made, like, source, blackened=options.blackout or not options.keep_identity)
    _add_derivation(made, source, options)
    _add_compression(made, like, source)
    add_privacy(made, source.header if source is not None else Dataset(), sector, options)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = uid.JPEGLSLossless
    return made


def _add_identifiers(
    made: Dataset, source: OriginalHeader | None, options: WriteOptions, frames: int
) -> None:
    """UIDs, and the tags that every ultrasound object must have, empty where nothing is known."""
    original = source.header if source is not None else Dataset()
    study = original.get("StudyInstanceUID")
    made.SOPClassUID = uid.UltrasoundMultiFrameImageStorage if frames > 1 else uid.UltrasoundImageStorage
    made.SOPInstanceUID, made.SeriesInstanceUID = uid.generate_uid(), _series_uid(original, options)
    made.StudyInstanceUID = study if options.keep_identity and study else new_uid(study)
    made.Modality = "US"
    made.SeriesDescription = SERIES_DESCRIPTION
    # Viewers sort by series number: the derived series comes after those of the examination.
    number = numbers(made.get("SeriesNumber"))
    made.SeriesNumber = int(number[0]) % 1_000_000 + 1000 if number else None
    if "InstanceNumber" not in made:
        made.InstanceNumber = 1
    if not options.keep_identity:
        made.PatientName = made.PatientID = "ANONYMOUS"
    required = "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime StudyID AccessionNumber"
    for tag in (*required.split(), "ReferringPhysicianName", "Manufacturer", "Laterality"):
        if tag not in made:
            setattr(made, tag, "")


def _series_uid(original: Dataset, options: WriteOptions) -> uid.UID:
    """With identity, what is made of one series in one way is one series, to which a later run adds."""
    series = original.get("SeriesInstanceUID")
    if not (series and options.keep_identity):
        return uid.generate_uid()
    way = options.enhancement.comment if options.enhancement is not None else options.description
    return uid.generate_uid(entropy_srcs=[str(series), way])


def _add_pixels(made: Dataset, like: ClipFile, color: bool, frames: int) -> None:
    made.SamplesPerPixel = 3 if color else 1
    made.PhotometricInterpretation = "RGB" if color else "MONOCHROME2"
    if color:
        made.PlanarConfiguration = 0
    made.NumberOfFrames = frames
    made.Rows, made.Columns = like.height, like.width
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0


def _decimal(value: float) -> str:
    """A number as a DICOM decimal string, at most 16 characters."""
    return f"{value:.10g}"


def _add_timing(made: Dataset, like: ClipFile, options: WriteOptions, frames: int) -> None:
    """Frame Time, or Frame Time Vector if frame durations differ; one second a frame if no rate is known."""
    fps = options.fps or like.fps or 1.0
    durations = like.durations_ms if options.fps is None else None
    if durations is not None and len(durations) >= frames:
        vector = [_decimal(step) for step in (0.0, *durations[: frames - 1])]
        if len("\\".join(vector)) <= MAX_SHORT_VALUE:
            made.FrameTimeVector, made.FrameIncrementPointer = vector, FRAME_TIME_VECTOR
    if "FrameIncrementPointer" not in made:
        made.FrameTime, made.FrameIncrementPointer = _decimal(1000 / fps), FRAME_TIME
    made.CineRate = made.RecommendedDisplayFrameRate = max(1, round(fps))


def _add_space(made: Dataset, like: ClipFile, source: OriginalHeader | None, blackened: bool) -> None:
    """Regions, clipped to the image; those whose pixels were made black are dropped. Pixel Spacing without regions.

    If the image was rescaled and the region was not (it reaches outside), the region's units are set to none.
    """
    if like.pixel_aspect != 1:
        ratio = Fraction(like.pixel_aspect).limit_denominator(1000)
        made.PixelAspectRatio = [ratio.denominator, ratio.numerator]  # height, width
    items = []
    if source is not None:
        given = source.header.get("SequenceOfUltrasoundRegions") or []
        for region, item in zip(read_regions(source.header), given, strict=True):
            box = clip_box(region.box, like.height, like.width)
            if box is not None and (region.is_tissue or not blackened):
                items.append(_region(item, box, rescaled=overruns(region, like.height, like.width)))
    if items:
        made.SequenceOfUltrasoundRegions = items
    elif like.spacing_mm is not None:
        made.PixelSpacing = [_decimal(mm) for mm in like.spacing_mm]


def _region(item: Dataset, box: tuple[int, int, int, int], rescaled: bool) -> Dataset:
    region = Dataset()
    for tag in REGION_NUMBERS.split():
        if value := numbers(item.get(tag)):
            setattr(region, tag, value[0] if "Physical" in tag and "Units" not in tag else int(value[0]))
    if rescaled:
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 0
    region.RegionLocationMinY0, region.RegionLocationMinX0 = box[0], box[1]
    region.RegionLocationMaxY1, region.RegionLocationMaxX1 = box[2] - 1, box[3] - 1
    return region


def _add_derivation(made: Dataset, source: OriginalHeader | None, options: WriteOptions) -> None:
    """What was done, by which software, from which image."""
    version = plain(options.software_version)
    software = f"{SOFTWARE} {version}".strip()
    words = (f"AI-enhanced by {software}", plain(options.description), NOTICE)
    made.DerivationDescription = "; ".join(word for word in words if word)[:1024]
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [code("109102", "Processing Equipment")]
    equipment.Manufacturer = equipment.ManufacturerModelName = SOFTWARE
    equipment.SoftwareVersions = version[:64]
    equipment.ContributionDescription = f"Enhancement by a neural network; {NOTICE.lower()}"
    made.ContributingEquipmentSequence = [equipment]
    made.ImageType = ["DERIVED", "SECONDARY", *_image_type_tail(source, options.keep_identity)]
    if source is None:
        return
    sop_class, instance = (str(source.header.get(t) or "") for t in ("SOPClassUID", "SOPInstanceUID"))
    if instance and uid.UID(sop_class).is_valid:
        reference = Dataset()
        reference.ReferencedSOPClassUID = sop_class
        reference.ReferencedSOPInstanceUID = instance if options.keep_identity else new_uid(instance)
        reference.PurposeOfReferenceCodeSequence = [
            code("121322", "Source image for image processing operation")
        ]
        made.SourceImageSequence = [reference]


def _image_type_tail(source: OriginalHeader | None, keep_identity: bool) -> list[str]:
    """Values 3 and 4 of Image Type: the examination, and the four hexadecimal digits of the mode."""
    given = source.header.get("ImageType") if source is not None else None
    tail = [str(v) for v in given][2:4] if isinstance(given, Iterable) and not isinstance(given, str) else []
    if keep_identity or not tail:
        return tail
    examination = tail[0] if tail[0] in EXAMINATIONS else ""
    mode = tail[1] if len(tail) == 2 and re.fullmatch(r"[0-9A-F]{4}", tail[1]) else ""
    return [examination, mode] if mode else ([examination] if examination else [])


def _add_compression(made: Dataset, like: ClipFile, source: OriginalHeader | None) -> None:
    """Lossy Image Compression stays "01" once an image has been compressed with loss (PS3.3, C.7.6.1.1.5)."""
    if source is None:
        if like.kind == "video" or like.path.suffix.lower() in (".jpg", ".jpeg", ".gif"):
            made.LossyImageCompression = "01"
        return
    method = LOSSY_METHODS.get(source.syntax)
    flag = str(source.header.get("LossyImageCompression") or "")
    if method is None and flag != "01":
        made.LossyImageCompression = "00"
        return
    made.LossyImageCompression = "01"
    ratios = numbers(source.header.get("LossyImageCompressionRatio"))
    if ratios:
        made.LossyImageCompressionRatio = [_decimal(r) for r in ratios]
    if method is not None and len(ratios) < 2:
        made.LossyImageCompressionMethod = method
