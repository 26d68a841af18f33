"""Every export of a DICOM with identity in all tags and in its corners: none of it is in any byte, name or picture."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pydicom
import pytest
import torch
from fake_checkpoint import Scale, checkpoint
from PIL import Image
from planted_identity import FAN, HEIGHT, WIDTH, assert_nameless, assert_nameless_file, ink, planted

from echogan.clips.dicom.tags import technical_tags
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import sector_from_fan
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.export_names import export_stem
from echogan.enhance.export_zip import zip_exports
from echogan.enhance.exports import ExportRequest, export_kinds, make_export
from echogan.enhance.result_stages import store_result
from echogan.enhance.stored_result import StoredResult

torch.set_num_threads(1)
OUTSIDE = cv2.erode((~FAN.mask(HEIGHT, WIDTH)).astype(np.uint8), np.ones((9, 9))) > 0


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return planted(tmp_path_factory.mktemp("patient"))


@pytest.fixture(scope="module")
def stored(source, tmp_path_factory) -> StoredResult:
    clip = open_clip(source)
    enhancer = Enhancer(
        checkpoint(Scale(0.6), Scale(1.4)), EnhanceSettings(device="cpu", working_size=64, batch_size=3)
    )
    prepared = enhancer.prepare(clip, sector_from_fan(FAN, clip))
    return store_result(enhancer, prepared, tmp_path_factory.mktemp("stored"))


@pytest.fixture(scope="module", params=[True, False], ids=["marked", "unmarked"])
def exports(request, source, stored, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    stem = export_stem(stored.clip, source.name, 1, blackout=True)
    return {
        kind: make_export(ExportRequest(stored, kind, 0.7, request.param, True, stem), folder)
        for kind in export_kinds(stored)
    }


def test_the_source_is_full_of_identity(source):
    """The proof that the other tests could fail."""
    with pytest.raises(AssertionError):
        assert_nameless_file(source)
    with pytest.raises(AssertionError):
        assert_nameless(source.name.encode(), source)
    frame = next(open_clip(source).iter_frames())
    assert frame[ink()].min() > 200
    header = pydicom.dcmread(source, stop_before_pixels=True)
    assert sum("ZYXWVQ" in str(element.value) for element in header) > 100


def test_no_export_holds_any_of_it(exports, tmp_path):
    assert len(exports) == 9
    for path in (*exports.values(), zip_exports([*exports.values()], tmp_path / "all.zip")):
        assert_nameless_file(path)


def test_the_metadata_of_the_videos_hold_none_of_it(exports):
    for kind in ("mp4", "side_by_side", "gif"):
        with av.open(str(exports[kind])) as video:
            said = repr(video.metadata) + "".join(repr(stream.metadata) for stream in video.streams)
        assert_nameless(said.encode(), kind)


def test_the_arrays_and_the_report_hold_none_of_it(exports):
    with np.load(exports["npz"]) as arrays:
        texts = [str(arrays[name]) for name in arrays.files if arrays[name].dtype.kind == "U"]
        assert len(texts) >= 4
        assert_nameless(repr(texts).encode(), "texts")
        for name in ("original", "enhanced"):
            assert arrays[name][:, ~FAN.mask(HEIGHT, WIDTH)].max() == 0
    assert_nameless(json.dumps(json.loads(exports["report"].read_text())).encode(), "report")


def test_the_corners_are_black_but_for_the_mark(exports):
    with av.open(str(exports["side_by_side"])) as video:
        beside = np.stack([frame.to_ndarray(format="gray") for frame in video.decode(video=0)])
    for pane in (beside[:, -HEIGHT:, :WIDTH], beside[:, -HEIGHT:, -WIDTH:]):
        assert pane[:, OUTSIDE].max() <= 16
    assert pydicom.dcmread(exports["dicom"]).pixel_array[:, OUTSIDE].max() == 0
    with Image.open(exports["gif"]) as image:
        first = np.asarray(image.convert("L"))
    drawn = cv2.dilate((first * OUTSIDE > 16).astype(np.uint8), np.ones((9, 9)))
    assert cv2.connectedComponents(drawn)[0] <= 3  # the ground, and the mark of two lines at most
    letters = (ink() & (first > 100)).sum() / ink().sum()
    assert letters < 0.3  # what was written there cannot be read


def test_names_are_neutral(exports):
    assert {path.name.split("_fake")[0] for path in exports.values()} == {
        "clip_1_enhanced", "clip_1_side_by_side", "clip_1_report", "clip_1_maps", "clip_1_trust_card"
    }  # fmt: skip


def test_the_tags_for_the_page_hold_none_of_it(source):
    assert_nameless(repr(technical_tags(source)).encode(), "tags")
