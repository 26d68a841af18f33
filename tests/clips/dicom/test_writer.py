"""DICOM out: the same frames and timing come back, under new UIDs, and nothing of the patient."""

from __future__ import annotations

import logging
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_samples import NAME, echo, jpeg, moving, region, save, ultrasound, wrap
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, parse_basic_offsets
from pydicom.pixels.utils import pixel_array

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.reader import open_dicom
from echogan.clips.dicom.writer import DicomWriter
from echogan.clips.write_options import WriteOptions, black_outside
from echogan.core.errors import EchoGANError, OutputError
from echogan.core.geometry import Sector
from echogan.core.notice import NOTICE

KEEP = WriteOptions(keep_identity=True, description="model demo", software_version="1.2.3")


def sector(rows: int = 24, columns: int = 32, kind: str = "fan") -> Sector:
    """Tissue in the middle, an overlay pixel inside it."""
    tissue = np.zeros((rows, columns), bool)
    tissue[4:-4, 4:-4] = True
    tissue[6, 6] = False
    overlay = np.zeros_like(tissue)
    overlay[6, 6] = True
    return Sector(kind, tissue, overlay, 0.9)  # type: ignore[arg-type]


def source(folder: Path, pixels: np.ndarray | None = None, **tags) -> ClipFile:
    return open_dicom(save(ultrasound(moving() if pixels is None else pixels, **tags), folder / "in.dcm"))


def write(
    folder: Path, like: ClipFile, frames: np.ndarray, options: WriteOptions | None = None, kind: str = "fan"
) -> Dataset:
    path = folder / "out.dcm"
    with DicomWriter(path, like, sector(like.height, like.width, kind), options or WriteOptions()) as writer:
        for frame in frames:
            writer.write(frame)
    return pydicom.dcmread(path)


def video(frames: int = 4, color: bool = False, **facts) -> ClipFile:
    """A clip that did not come from DICOM."""
    facts = {"kind": "video", "fps": 25.0, "path": Path("clip.mp4"), **facts}
    return ClipFile(frames=frames, height=24, width=32, color=color, decode=lambda: iter(()), **facts)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(24, 32), (23, 31)])
def test_round_trip_is_exact(tmp_path: Path, channels: int, size: tuple[int, int]):
    pixels = moving(3, *size, channels)
    like = source(tmp_path, pixels)
    enhanced = 255 - pixels
    ds = write(tmp_path, like, enhanced, KEEP)
    assert np.array_equal(ds.pixel_array, enhanced)
    assert ds.PhotometricInterpretation == ("RGB" if channels == 3 else "MONOCHROME2")
    assert ("PlanarConfiguration" in ds) == (channels == 3)
    assert len(ds.PixelData) % 2 == 0
    again = open_dicom(tmp_path / "out.dcm")
    assert (again.frames, again.fps, again.color) == (like.frames, like.fps, like.color)
    assert np.array_equal(again.read().frames, enhanced)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("decoder", ["gdcm", "pyjpegls"])
def test_every_decoder_reads_the_same(tmp_path: Path, channels: int, decoder: str):
    noise = np.random.default_rng(0).integers(0, 256, (3, 23, 31, 3)[: 3 + channels // 2], np.uint8)
    path = tmp_path / "out.dcm"
    write(tmp_path, source(tmp_path, noise), noise, KEEP)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == uid.JPEGLSLossless
    assert np.array_equal(pixel_array(path, decoding_plugin=decoder), noise)


def test_it_is_smaller_than_its_pixels(tmp_path: Path):
    pixels = echo(8, 240, 320)
    write(tmp_path, source(tmp_path, pixels), pixels, KEEP)
    assert (tmp_path / "out.dcm").stat().st_size < pixels.nbytes / 2


def test_the_offset_table_leads_to_the_frames(tmp_path: Path):
    ds = write(tmp_path, source(tmp_path), moving(), KEEP)
    table = parse_basic_offsets(ds.PixelData)
    frames = list(generate_frames(ds.PixelData, number_of_frames=4))
    assert len(frames) == len(table) == 4
    sizes = [8 + len(frame) for frame in frames]
    assert table == [0, *np.cumsum(sizes)[:-1]]


def test_offsets_too_large_for_the_table_leave_it_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("echogan.clips.dicom.writer.LARGEST_OFFSET", 100)
    ds = write(tmp_path, source(tmp_path), moving(), KEEP)
    assert parse_basic_offsets(ds.PixelData) == []
    assert np.array_equal(ds.pixel_array, moving())


def test_the_real_cine(cine: Path, tmp_path: Path):
    before, like = pydicom.dcmread(cine), open_dicom(cine)
    ds = write(tmp_path, like, like.read().frames)
    mask = sector(240, 320).tissue_mask
    assert np.array_equal(ds.pixel_array, np.where(mask[..., None], like.read().frames, 0))
    assert (ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer) == (30, before.FrameTime, 0x00181063)
    assert list(ds.ImageType) == ["DERIVED", "SECONDARY", "EPICARDIAL", "0001"]
    assert ds.LossyImageCompression == "01"
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        assert ds[keyword].value != before[keyword].value
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert ds.SOPClassUID == uid.UltrasoundMultiFrameImageStorage
    raw = (tmp_path / "out.dcm").read_bytes()
    for value in (b"SonoSite", b"20160503", before.StudyInstanceUID.encode(), before.SOPInstanceUID.encode()):
        assert value not in raw
    # The image was rescaled behind the region's back: no size of a pixel is claimed, now or when read again.
    assert open_dicom(tmp_path / "out.dcm").spacing_mm is None
    assert ds.SequenceOfUltrasoundRegions[0].RegionLocationMaxX1 == 319


def test_derivation_is_told(tmp_path: Path):
    like = source(tmp_path)
    original = pydicom.dcmread(like.path)
    ds = write(tmp_path, like, moving(), KEEP)
    for word in ("1.2.3", "model demo", NOTICE):
        assert word in ds.DerivationDescription
    assert NOTICE.lower() in ds.SeriesDescription
    equipment = ds.ContributingEquipmentSequence[0]
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert (equipment.Manufacturer, equipment.SoftwareVersions) == ("EchoGANhance", "1.2.3")
    reference = ds.SourceImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == original.SOPInstanceUID
    assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"


# --- identity -----------------------------------------------------------------------------------------------


def burnt_in(pixels: np.ndarray) -> np.ndarray:
    """The name's letters as grey levels: in the corner, and on the overlay pixel inside the tissue."""
    pixels = pixels.copy()
    pixels[:, 1, 1 : 1 + len(NAME)] = np.frombuffer(NAME.encode(), np.uint8)
    pixels[:, 6, 6] = 77
    return pixels


def everywhere(pixels: np.ndarray) -> Dataset:
    """A data set with the name in every kind of place a tag can have."""
    ds = ultrasound(pixels, PatientSex="F", PatientAge="077Y", InstitutionName=NAME, StationName=NAME[:16])
    for keyword in [
        "OperatorsName",
        "ReferringPhysicianName",
        "StudyDescription",
        "SeriesDescription",
        "ProtocolName",
    ]:
        setattr(ds, keyword, NAME)
    for keyword in ["Manufacturer", "ManufacturerModelName", "SoftwareVersions", "ImageComments", "StudyID"]:
        setattr(ds, keyword, NAME)
    ds.ImageType = ["ORIGINAL", "PRIMARY", NAME.replace("^", " "), "QUIXOTE"]
    ds.TransducerData, ds.DerivationDescription, ds.AccessionNumber = NAME, NAME, NAME
    ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "QUIXOTE"
    ds.BurnedInAnnotation = "QUIXOTE"
    item = region((0, 0, 23, 31))
    item.add_new(0x00110010, "LO", NAME)
    item.add_new(0x00111001, "LO", NAME)
    ds.SequenceOfUltrasoundRegions = [item]
    ds.add_new(0x00190010, "LO", NAME)
    ds.add_new(0x00191001, "LT", NAME)
    ds.add_new(0x60003000, "OW", NAME.encode())
    ds.add_new(0x60000022, "LO", NAME)
    icon = Dataset()
    icon.PixelData = NAME.encode()
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = [icon]
    other = Dataset()
    other.PatientName = NAME
    ds.OtherPatientIDsSequence = [other]
    return ds


def test_the_name_is_found_nowhere(tmp_path: Path, caplog, capfd):
    pixels = burnt_in(moving())
    path = save(everywhere(pixels), tmp_path / "in.dcm")
    before = pydicom.dcmread(path)
    caplog.set_level(logging.DEBUG)
    ds = write(tmp_path, open_dicom(path), pixels)
    raw = (tmp_path / "out.dcm").read_bytes()
    for word in (
        NAME,
        "QUIXOTE",
        "ALONSO",
        "20200102",
        "077Y",
        before.StudyInstanceUID,
        before.SOPInstanceUID,
    ):
        assert word.encode() not in raw
    shown = ds.pixel_array
    mask = sector().tissue_mask
    assert not shown[:, ~mask].any()
    assert np.array_equal(shown[:, mask], pixels[:, mask])
    assert not any(element.tag.is_private for element in ds.iterall())
    assert ds.group_dataset(0x6000) == Dataset()
    assert (ds.PatientIdentityRemoved, ds.BurnedInAnnotation, ds.PatientName) == ("YES", "YES", "ANONYMOUS")
    assert (ds.PatientSex, ds.StudyDate, ds.PatientBirthDate) == ("", "", "")
    assert [c.CodeValue for c in ds.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    output = capfd.readouterr()
    assert "QUIXOTE" not in output.out + output.err + caplog.text


def test_one_study_stays_one_study(tmp_path: Path):
    study = uid.generate_uid()
    found, series = set(), set()
    for _ in range(2):
        ds = write(tmp_path, source(tmp_path, StudyInstanceUID=study), moving())
        found.add(ds.StudyInstanceUID)
        series.add(ds.SeriesInstanceUID)
    assert len(found) == 1
    assert study not in found
    assert len(series) == 2
    assert (
        ds.SourceImageSequence[0].ReferencedSOPInstanceUID
        != pydicom.dcmread(tmp_path / "in.dcm").SOPInstanceUID
    )


def test_identity_kept_on_purpose(tmp_path: Path):
    path = save(everywhere(moving()), tmp_path / "in.dcm")
    before, like = pydicom.dcmread(path), open_dicom(path)
    ds = write(tmp_path, like, moving(), KEEP)
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientSex",
        "StudyInstanceUID",
        "StudyDate",
        "AccessionNumber",
    ):
        assert ds[keyword].value == before[keyword].value
    assert ds.SeriesInstanceUID != before.SeriesInstanceUID
    assert ds.SeriesDescription != NAME
    assert np.array_equal(ds.pixel_array, moving())
    assert ds.BurnedInAnnotation == "YES"
    assert "PatientIdentityRemoved" not in ds


@pytest.mark.parametrize(("charset", "name"), [("ISO_IR 192", "Müller^Zoë"), ("ISO_IR 100", "Müller^Ana")])
def test_names_keep_their_letters(tmp_path: Path, charset: str, name: str):
    ds = write(tmp_path, source(tmp_path, SpecificCharacterSet=charset, PatientName=name), moving(), KEEP)
    assert ds.PatientName == name


def test_identity_kept_but_picture_black(tmp_path: Path):
    options = WriteOptions(keep_identity=True, blackout=True)
    ds = write(tmp_path, source(tmp_path), moving() | 1, options)
    assert np.array_equal(ds.pixel_array[0] > 0, sector().tissue_mask)
    assert ds.BurnedInAnnotation == "YES"  # text over the tissue can have been missed


def test_what_the_input_says_of_its_pixels_stays_said(tmp_path: Path):
    ds = write(tmp_path, source(tmp_path, BurnedInAnnotation="NO"), moving())
    assert ds.BurnedInAnnotation == "NO"


def test_a_whole_image_sector_claims_no_clean_pixels(tmp_path: Path):
    ds = write(tmp_path, source(tmp_path), moving(), kind="whole")
    assert (ds.BurnedInAnnotation, ds.PatientIdentityRemoved, ds.PatientName) == ("YES", "NO", "ANONYMOUS")
    assert [c.CodeValue for c in ds.DeidentificationMethodCodeSequence] == ["113100"]


def test_no_sector_no_file(tmp_path: Path):
    with pytest.raises(OutputError, match="sector"):
        DicomWriter(tmp_path / "out.dcm", source(tmp_path), None, WriteOptions())
    with DicomWriter(tmp_path / "out.dcm", source(tmp_path), None, KEEP) as writer:
        for frame in moving():
            writer.write(frame)
    assert open_dicom(tmp_path / "out.dcm").frames == 4


def test_black_outside():
    frame, mask = moving(1)[0] | 1, sector().tissue_mask
    assert np.array_equal(black_outside(frame, mask) > 0, mask)
    color = np.repeat(frame[..., None], 3, axis=2)
    assert np.array_equal(black_outside(color, mask), color * mask[..., None])


# --- time, space, compression -------------------------------------------------------------------------------


def test_frame_times_come_back(tmp_path: Path):
    vector = ["0", "33.3", "34.25", "33"]
    like = source(tmp_path, FrameTimeVector=vector, FrameIncrementPointer=0x00181065)
    ds = write(tmp_path, like, moving())
    assert ds.FrameTimeVector == [float(v) for v in vector]
    assert ds.FrameIncrementPointer == 0x00181065
    again = open_dicom(tmp_path / "out.dcm")
    assert (again.durations_ms, again.fps) == (like.durations_ms, like.fps)


def test_a_rate_given_by_hand_wins(tmp_path: Path):
    like = source(tmp_path, FrameTimeVector=["0", "33", "34", "33"], FrameIncrementPointer=0x00181065)
    ds = write(tmp_path, like, moving(), WriteOptions(fps=20))
    assert (ds.FrameTime, ds.CineRate, "FrameTimeVector" in ds) == (50, 20, False)


def test_space_comes_back(tmp_path: Path):
    traces = [region((0, 0, 3, 31), 4, 10), region((4, 4, 20, 30))]
    like = source(tmp_path, SequenceOfUltrasoundRegions=traces)
    write(tmp_path, like, moving())
    again = open_dicom(tmp_path / "out.dcm")
    assert (again.regions, again.spacing_mm) == (((4, 4, 21, 31),), like.spacing_mm)
    assert len(write(tmp_path, like, moving()).SequenceOfUltrasoundRegions) == 1
    assert len(write(tmp_path, like, moving(), KEEP).SequenceOfUltrasoundRegions) == 2


def test_pixel_spacing_comes_back(tmp_path: Path):
    write(tmp_path, source(tmp_path, PixelSpacing=["0.31", "0.27"]), moving())
    assert open_dicom(tmp_path / "out.dcm").spacing_mm == (0.31, 0.27)


def test_once_lossy_always_lossy(tmp_path: Path):
    assert write(tmp_path, source(tmp_path), moving()).LossyImageCompression == "00"
    assert (
        write(tmp_path, source(tmp_path, LossyImageCompression="01"), moving()).LossyImageCompression == "01"
    )
    ds = ultrasound(moving(), PixelData=wrap([jpeg(f) for f in moving()]))
    like = open_dicom(save(ds, tmp_path / "in.dcm", uid.JPEGBaseline8Bit))
    out = write(tmp_path, like, moving())
    assert (out.LossyImageCompression, out.LossyImageCompressionMethod) == ("01", "ISO_10918_1")


# --- from other files; counts; sizes ------------------------------------------------------------------------


def test_a_video_becomes_an_object(tmp_path: Path):
    ds = write(tmp_path, video(color=True, durations_ms=(40.0, 80.0, 40.0, 40.0)), moving(channels=3))
    assert (ds.Modality, ds.LossyImageCompression, ds.PatientName) == ("US", "01", "ANONYMOUS")
    assert ds.FrameTimeVector == [0, 40, 80, 40]
    assert "SourceImageSequence" not in ds
    assert open_dicom(tmp_path / "out.dcm").warnings == ()


def test_a_still_is_one_frame(tmp_path: Path):
    like = video(1, kind="image", fps=None, path=Path("still.png"))
    ds = write(tmp_path, like, moving(1), KEEP)
    assert ds.NumberOfFrames == 1
    assert "LossyImageCompression" not in ds
    assert ds.SOPClassUID == ds.file_meta.MediaStorageSOPClassUID == uid.UltrasoundImageStorage
    for tag in ("FrameTime", "FrameIncrementPointer", "CineRate", "RecommendedDisplayFrameRate"):
        assert tag not in ds
    again = open_dicom(tmp_path / "out.dcm")
    assert (again.frames, again.fps) == (1, None)
    assert np.array_equal(again.read().frames, moving(1))


@pytest.mark.parametrize(("announced", "came"), [(4, 3), (9, 12), (12, 9), (3, 1)])
def test_the_count_is_corrected(tmp_path: Path, announced: int, came: int):
    like = video(announced, durations_ms=tuple(float(30 + i) for i in range(announced)))
    ds = write(tmp_path, like, moving(came, 24, 32), KEEP)
    assert ds.NumberOfFrames == came
    assert np.array_equal(ds.pixel_array.reshape(-1, 24, 32), moving(came))
    assert len(parse_basic_offsets(ds.PixelData)) == came
    assert ("FrameIncrementPointer" in ds) == (came > 1)
    assert open_dicom(tmp_path / "out.dcm").frames == came
    assert [p.name for p in tmp_path.iterdir()] == ["out.dcm"]


def test_four_gigabytes_are_refused_at_once(tmp_path: Path):
    with pytest.raises(OutputError, match="too long"):
        DicomWriter(tmp_path / "out.dcm", video(2**32 // 768 + 1), sector(), WriteOptions())


def write_and_fail(path: Path, frames: list[np.ndarray]) -> None:
    with DicomWriter(path, video(), sector(), KEEP) as writer:
        for frame in frames:
            writer.write(frame)
        raise RuntimeError


def test_an_exception_leaves_nothing(tmp_path: Path):
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "out.dcm", [moving()[0]])
    assert list(tmp_path.iterdir()) == []


NARROW, TINTED, DEEP = moving(1)[0][:, :20], moving(1, channels=3)[0], moving(1, top=999)[0]


@pytest.mark.parametrize(("before", "wrong"), [(0, NARROW), (0, DEEP), (1, NARROW), (1, DEEP), (1, TINTED)])
def test_frames_that_do_not_fit(tmp_path: Path, before: int, wrong: np.ndarray):
    with pytest.raises(EchoGANError):
        write_and_fail(tmp_path / "out.dcm", [moving()[0]] * before + [wrong])
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_tag_is_a_sentence_without_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> bytes:
        raise ValueError(NAME)

    monkeypatch.setattr("echogan.clips.dicom.writer._encode", fail)
    with pytest.raises(OutputError) as caught:
        write_and_fail(tmp_path / "out.dcm", [moving()[0]])
    assert NAME not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_length(tmp_path: Path):
    def peak(frames: int) -> int:
        like = ClipFile(Path("v.mp4"), "video", frames, 120, 160, 30.0, False, lambda: iter(()))
        frame = np.zeros((120, 160), np.uint8)
        tracemalloc.start()
        with DicomWriter(tmp_path / "out.dcm", like, sector(120, 160), WriteOptions()) as writer:
            for _ in range(frames):
                writer.write(frame)
        for _ in open_dicom(tmp_path / "out.dcm").iter_frames():
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(2)
    # 100 times the frames (4 MB of pixels); what grows is the list of where each frame lies.
    assert peak(200) < peak(2) + 150_000


def test_results_of_one_series_are_one_series_where_identity_is_kept(tmp_path):
    """And another series where they were made in another way, or where identity is not kept."""
    like = source(tmp_path)
    original = pydicom.dcmread(like.path)
    kept = [write(tmp_path, like, moving(), KEEP) for _ in range(2)]
    assert kept[0].SeriesInstanceUID == kept[1].SeriesInstanceUID != original.SeriesInstanceUID
    assert kept[0].SOPInstanceUID != kept[1].SOPInstanceUID
    other = write(tmp_path, like, moving(), WriteOptions(keep_identity=True, description="another model"))
    assert other.SeriesInstanceUID != kept[0].SeriesInstanceUID
    nameless = [write(tmp_path, like, moving()).SeriesInstanceUID for _ in range(2)]
    assert len({*nameless, kept[0].SeriesInstanceUID}) == 3
