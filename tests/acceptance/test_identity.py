"""A patient's name in the tags, in the file's name and burnt into the pixels: it must be found nowhere else."""

import io
import json
import logging
import os
import shutil
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import httpx
import numpy as np
import pydicom
import pytest
import torch
from dicom_samples import region, save, ultrasound
from fake_checkpoint import Scale, checkpoint, speckle
from gradio_client import Client, handle_file
from PIL import Image
from pydicom.dataset import Dataset

from echogan.cli.main import main
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.geometry import Fan
from echogan.model.checkpoints import checkpoint as store
from echogan.model.checkpoints import hub
from echogan.model.checkpoints.checkpoint import CheckpointConfig, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.ui import session
from echogan.ui.enhance.visits import Visits
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.session import Sessions

torch.set_num_threads(1)
NAME = "ZYXWVQ^MARGARETHE"
WORDS = ("zyxwvq", "margarethe", "ac-773311", "sanatorium")
FILE = "Zyxwvq_Margarethe AC-773311.dcm"
FRAMES, HEIGHT, WIDTH = 16, 240, 320
FAN = Fan((160.0, 10.0), -40.0, 40.0, 5.0, 215.0)
OUTPUTS = ("out.mp4", "out.webm", "out.gif", "frames", "out.npz", "out.dcm")
INSIDE = np.s_[126:140, 122:200]  # the text over the tissue


def written() -> np.ndarray:
    """Where the name is burnt in: bool (H, W), outside the fan and over the tissue."""
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    for text, place in (("ZYXWVQ M", (4, 16)), ("AC-773311", (4, 232)), ("MARGARETHE", (124, 137))):
        cv2.putText(ink, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 255, 1)
    return ink > 0


INK, OUTSIDE = written(), cv2.erode((~FAN.mask(HEIGHT, WIDTH)).astype(np.uint8), np.ones((9, 9))) > 0


def patient_file(folder: Path) -> Path:
    """A cine, RGB, with the name in every kind of place."""
    frames = np.where(FAN.mask(HEIGHT, WIDTH), speckle(FRAMES, HEIGHT, WIDTH), 0).astype(np.uint8)
    frames[:, INK] = 235
    item = region((0, 0, HEIGHT - 1, WIDTH - 1))
    item.add_new(0x00110010, "LO", NAME)
    ds = ultrasound(np.repeat(frames[..., None], 3, -1), PatientName=NAME, PatientID=NAME)
    for keyword in ("OperatorsName", "ReferringPhysicianName", "StudyDescription", "SeriesDescription"):
        setattr(ds, keyword, NAME)
    for keyword in ("ProtocolName", "ImageComments", "DerivationDescription", "Manufacturer"):
        setattr(ds, keyword, NAME)
    ds.AccessionNumber, ds.InstitutionName, ds.StationName = "AC-773311", "Sanatorium", NAME[:16]
    ds.StudyID = NAME[:16]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "MARGARETHE", "ZYXWVQ"]
    ds.SequenceOfUltrasoundRegions = [item]
    ds.add_new(0x00190010, "LO", NAME)
    ds.add_new(0x00191001, "UN", NAME.encode("utf-16-le"))
    ds.add_new(0x60003000, "OW", NAME.encode() + b" ")
    ds.OtherPatientIDsSequence = [Dataset()]
    ds.OtherPatientIDsSequence[0].PatientID = NAME
    folder.mkdir(exist_ok=True)
    return save(ds, folder / FILE)


# --- What must hold of whatever is written


def assert_nameless(data: bytes, where: object) -> None:
    """None of the words, in any case, as 8-bit or as 16-bit characters."""
    small = data.lower()
    for word in WORDS:
        for coding in ("ascii", "utf-16-le", "utf-16-be"):
            assert word.encode(coding) not in small, f"{word} in {where}"


def assert_nameless_file(path: Path) -> None:
    assert_nameless(path.read_bytes(), path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                assert_nameless(member.encode() + archive.read(member), f"{path}: {member}")
    if path.suffix in (".png", ".gif"):
        with Image.open(path) as image:
            assert_nameless(repr(image.info).encode(), path)


def files_below(folder: Path) -> list[Path]:
    """All files; a folder that the server removes meanwhile is passed over (rglob would raise)."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names]


def assert_nameless_tree(folder: Path) -> int:
    """Names and contents of all files below; returns how many there are."""
    files = files_below(folder)
    for path in files:
        assert_nameless(str(path.relative_to(folder)).encode(), path)
        assert_nameless_file(path)
    return len(files)


def assert_unreadable(frames: np.ndarray, tolerance: int) -> None:
    """Black (up to what a lossy codec adds) outside the fan, and where the text over the tissue was.

    Over the tissue the gaps within and between the letters are black as well: black letters can be read too.
    """
    assert len(frames) == FRAMES
    assert frames[:, OUTSIDE].max() <= tolerance
    assert frames[:, INK & ~FAN.mask(HEIGHT, WIDTH)].max() <= tolerance
    text = frames[(slice(None), *INSIDE)]
    ink = INK[INSIDE]
    for frame in text:
        strokes, gaps = frame[ink].astype(float), frame[_core(ink) & ~ink].astype(float)
        assert np.percentile(strokes, 99) <= tolerance + (8 if tolerance else 0)
        assert (gaps <= tolerance + (8 if tolerance else 0)).mean() > 0.97


def _core(ink: np.ndarray) -> np.ndarray:
    """The box around the letters."""
    rows, columns = np.nonzero(ink.any(1))[0], np.nonzero(ink.any(0))[0]
    box = np.zeros_like(ink)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def decoded(path: Path) -> tuple[np.ndarray, int]:
    """Frames uint8 (T, H, W), the brightest channel of each pixel, by other readers; and the codec's tolerance."""
    if path.is_dir():
        frames = np.stack([np.asarray(Image.open(one).convert("RGB")) for one in sorted(path.iterdir())])
    elif path.suffix == ".dcm":
        frames = pydicom.dcmread(path).pixel_array
    elif path.suffix == ".npz":
        frames = np.load(path)["frames"]
    else:
        with av.open(str(path)) as container:
            frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    lossless = path.suffix not in (".mp4", ".webm")
    return frames.max(-1) if frames.ndim == 4 else frames, 0 if lossless else 16


@contextmanager
def overheard(capfd, caplog) -> Iterator[None]:
    """Whatever is printed, logged or warned of inside the block is nameless."""
    caplog.set_level(logging.DEBUG)
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    shown = capfd.readouterr()
    said = [shown.out, shown.err, caplog.text, *(str(one.message) for one in caught)]
    assert_nameless("\n".join(said).encode(), "what was printed or logged")


# --- The text over the tissue, as find_sector sees it


def test_the_source_is_readable_and_its_text_is_found(tmp_path):
    """The proof that the other tests could fail."""
    path = patient_file(tmp_path)
    with pytest.raises(AssertionError):
        assert_nameless_file(path)
    clip = open_clip(path)
    with pytest.raises(AssertionError):
        assert_unreadable(clip.read().frames.max(-1), 0)
    sector = find_sector(clip)
    assert sector.kind == "fan"
    ink = INK[INSIDE]
    assert sector.overlay_mask[INSIDE][_core(ink)].mean() > 0.97
    stencil = np.where(INK, 0, 200).astype(np.uint8)  # only the strokes black: as readable as before
    with pytest.raises(AssertionError):
        assert_unreadable(np.repeat(np.where(OUTSIDE, 0, stencil)[None], FRAMES, 0), 0)


# --- The command line


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> Path:
    return patient_file(tmp_path_factory.mktemp("patient"))


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_command_line(patient, tmp_path, monkeypatch, capfd, caplog, name):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5), Scale(1.5)))
    out = tmp_path / "results"
    flags = ["--report", out / "r.json", "--arrays", out / "a.npz", "--figure", out / "f.png"]
    flags = [str(flag) for flag in (*flags, "--device", "cpu", "--working-size", 128)]
    # A .dcm is black of itself. The mark is drawn where a name may have been: test_export_identity.py looks at it.
    black = [] if name == "out.dcm" else ["--blackout", "--no-mark"]
    with overheard(capfd, caplog):
        assert main(["enhance", str(patient), str(out / name), *flags, *black]) == 0
    assert_unreadable(*decoded(out / name))
    if name == "out.dcm":
        (out / "a.npz").unlink()  # the arrays hold the original, and nobody asked for black
    else:
        with np.load(out / "a.npz") as arrays:
            assert_unreadable(arrays["original"], 0)
            assert_unreadable(arrays["enhanced"], 0)
            assert not arrays["tissue_mask"][INSIDE][_core(INK[INSIDE])].mean() > 0.03
            assert_maps_are_unlettered(arrays)
    assert assert_nameless_tree(out) >= 3


def assert_maps_are_unlettered(arrays) -> None:
    """Where the text was, the maps in the working space are zero, gaps included."""
    rows, columns = np.nonzero(FAN.mask(HEIGHT, WIDTH))
    scale = 128 / max(np.ptp(rows) + 1, np.ptp(columns) + 1)
    text = np.zeros((HEIGHT, WIDTH), bool)
    text[INSIDE] = _core(INK[INSIDE])
    y, x = (np.nonzero(text)[axis] - start for axis, start in enumerate((rows.min(), columns.min())))
    (y0, y1), (x0, x1) = ([int(side.min() * scale) + 2, int(side.max() * scale) - 1] for side in (y, x))
    assert y1 > y0
    for name in ("difference", "cycle_error"):
        assert arrays[name].any()
        assert not arrays[name][:, y0:y1, x0:x1].any()


# --- The page


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The app on loopback with one small untrained model; `folder` is all that it may write to."""
    from app import build, launch_settings  # first, as it sets GRADIO_TEMP_DIR itself

    folder = tmp_path_factory.mktemp("app")
    torch.manual_seed(0)
    config = CheckpointConfig(name="tiny", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    generators = [build_generator(config.generator) for _ in range(2)]
    save_checkpoint(folder / "models" / "tiny", config, *generators)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "BUNDLED", folder / "models")
        patch.setattr(session, "TAKEN_SECONDS", 0.5)
        patch.setattr(Sessions.sweep, "__defaults__", (0.5,))
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        patch.setenv("GRADIO_HEARTBEAT_INTERVAL", "1")  # a visitor who leaves is missed after so many seconds
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        place = Workplace(grace=1.0)
        page = build(place)
        settings = launch_settings() | {"server_name": "127.0.0.1", "prevent_thread_lock": True}
        _, url, _ = page.launch(**settings)
        api = f"{url.rstrip('/')}/gradio_api"
        yield SimpleNamespace(page=page, place=place, url=api, folder=folder / "gradio")
        page.close()
        place.close()


class Visitor:
    """What the page does, without a browser: upload, call, wait, leave."""

    def __init__(self, served, key: str):
        self.served, self.key, self.heard = served, key, []
        self.http = httpx.Client(base_url=served.url, timeout=60, trust_env=False)
        blocks = served.page.blocks.items()
        self.player = next(i for i, block in blocks if getattr(block, "elem_id", "") == "eg-player")
        self.visit = None
        self.visit = self.call("workspace")["visit"]

    def upload(self, path: Path) -> dict:
        with path.open("rb") as file:
            (stored,) = self.http.post("/upload", files={"files": (path.name, file)}).json()
        return {"path": stored, "name": path.name}

    def call(self, name: str, **data: object) -> dict:
        """One call of the page; what is answered is kept in `heard`."""
        sent = {"visit": self.visit, **data}
        body = {"data": sent, "fn_name": name, "component_id": self.player, "session_hash": self.key}
        answer = self.http.post("/component_server", json=body)
        assert answer.status_code == 200, answer.text
        self.heard.append(answer.text)
        return answer.json()

    def until(self, state: str) -> dict:
        """The first clip's line, once it is in this state."""
        end = time.monotonic() + 60
        while (line := self.call("poll")["clips"][0])["state"] != state:
            assert time.monotonic() < end, line
            time.sleep(0.05)
        return line

    def file(self, path: str) -> bytes:
        answer = self.http.get(f"/file={path}")
        assert answer.status_code == 200
        return answer.content

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Keep the page open; the end of the block is its closing."""
        with self.http.stream("GET", f"/heartbeat/{self.key}") as beat:
            lines = beat.iter_lines()  # kept, for with the iterator the connection would end
            next(lines)
            yield
            del lines


def sessions_of(served) -> list[Path]:
    return sorted((served.folder / "sessions").iterdir())


def uploads_of(served) -> list[Path]:
    return [path for path in files_below(served.folder) if "Margarethe" in path.name]


def assert_only_the_sent_file_has_the_name(served) -> None:
    """The visitor's clip as it came, under a neutral name; no other file, and no file's name."""
    for path in files_below(served.folder):
        if path in uploads_of(served):
            continue
        assert_nameless(str(path.relative_to(served.folder)).encode(), path)
        if path.name != "clip.dcm":
            assert_nameless_file(path)


def test_the_page(served, patient, capfd, caplog, tmp_path):
    with overheard(capfd, caplog):
        visitor = Visitor(served, "visitor1")
        with visitor.staying():
            (clip,) = visitor.call("add_clips", files=[visitor.upload(patient)])["added"]
            assert visitor.until("ready")["name"] == FILE
            detail = visitor.call("clip", id=clip)
            assert detail["blackout"]
            assert_nameless(json.dumps(detail | {"name": ""}).encode(), "the details")
            assert_the_mask_hides_the_name(visitor.file(detail["mask"]))
            visitor.call("enhance", ids=[clip], model="tiny")
            visitor.until("done")
            assert_exports_are_clean(visitor, clip, tmp_path)
            assert_only_the_sent_file_has_the_name(served)
            other = Visitor(served, "visitor3")
            for call in ("workspace", "poll"):
                assert_nameless(json.dumps(other.call(call)).encode(), "another visitor's list")
            assert "no longer in the list" in other.call("clip", id=clip)["error"]
            served.place.visits.close(served.place.visits.find(other.visit))
            # Where it came in, the file with the name goes soon, while the page stays open.
            wait_until(lambda: uploads_of(served) == [])
            assert visitor.call("poll")["clips"]
    assert_gone(served)


def assert_the_mask_hides_the_name(mask: bytes) -> None:
    """What the page may show or export with blackout is tissue alone."""
    with Image.open(io.BytesIO(mask)) as image:
        kept = np.asarray(image) > 0
    assert not kept[OUTSIDE].any()
    assert kept[INSIDE][_core(INK[INSIDE])].mean() < 0.03


def assert_exports_are_clean(visitor: Visitor, clip: str, folder: Path) -> None:
    """Every kind of export, one by one and together, and the list of exports."""
    for kind in [one["kind"] for one in visitor.call("clip", id=clip)["exports"]]:
        (export,) = visitor.call("export", ids=[clip], kind=kind, strength={clip: 0.7}, mark=False)["exports"]
        wait_until(lambda: visitor.call("poll")["exports"][0]["state"] != "making")
        (export,) = visitor.call("poll")["exports"]
        assert export["state"] == "done", (kind, export)
        assert_nameless(json.dumps(export).encode(), f"the list of exports: {kind}")
        path = folder / export["name"]
        path.write_bytes(visitor.file(export["file"]))
        assert_nameless_file(path)
        if kind in ("mp4", "gif", "dicom"):
            assert_unreadable(*decoded(path))
        if kind == "npz":
            with np.load(path) as arrays:
                assert_unreadable(arrays["original"], 0)
                assert_unreadable(arrays["enhanced"], 0)
        assert visitor.call("drop_export", export=export["id"])["exports"] == []


def wait_until(condition, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


def assert_gone(served) -> None:
    """Some time after the page is closed, the results and the upload are removed; no call is needed for it."""
    until = time.monotonic() + 40
    while (uploads_of(served) or sessions_of(served)) and time.monotonic() < until:
        time.sleep(0.1)
    assert uploads_of(served) == []
    assert sessions_of(served) == []
    assert assert_nameless_tree(served.folder) >= 0


def test_the_endpoint(served, patient, tmp_path, capfd, caplog):
    with overheard(capfd, caplog):
        client = Client(served.url.removesuffix("gradio_api"), verbose=False, download_files=tmp_path)
        enhanced, report = client.predict(handle_file(patient), "tiny", 1.0, api_name="/enhance")
        shutil.copy(enhanced, tmp_path / "copy.mp4")
        assert_nameless(repr(report).encode(), "the report")
        assert_nameless_tree(served.folder / "sessions")
        client.close()
    assert_unreadable_but_for_the_mark(*decoded(tmp_path / "copy.mp4"))
    assert_nameless_tree(tmp_path)
    assert_gone(served)


def assert_unreadable_but_for_the_mark(frames: np.ndarray, tolerance: int) -> None:
    """Outside the fan there is one patch of text at most, the same on all frames, and not the name."""
    outside = frames * OUTSIDE
    drawn = cv2.dilate((outside.max(0) > tolerance).astype(np.uint8), np.ones((9, 9), np.uint8))
    assert cv2.connectedComponents(drawn)[0] <= 3  # the ground, and up to two lines of the mark
    shown = frames[:, INK & ~FAN.mask(HEIGHT, WIDTH)]
    assert (shown > 100).mean() < 0.3  # what was written there cannot be read
    frames = np.where(drawn > 0, 0, frames)
    assert_unreadable(frames, tolerance)


def test_a_refused_file_is_not_logged_and_goes_too(served, tmp_path, capfd, caplog):
    bad = tmp_path / FILE
    bad.write_bytes(patient_file(tmp_path / "whole").read_bytes()[:3000])
    with overheard(capfd, caplog):
        visitor = Visitor(served, "visitor2")
        with visitor.staying():
            visitor.call("add_clips", files=[visitor.upload(bad)])
            line = visitor.until("refused")
            assert line["error"]
            wait_until(lambda: not [path for path in files_below(served.folder) if path.name == "clip.dcm"])
    assert_gone(served)


def test_a_fault_of_ours_is_logged_without_the_name(served, patient, monkeypatch, capfd, caplog):
    """Even where an exception quotes the clip's path."""

    def fail(path, *_):
        raise RuntimeError(f"cannot do {path} of {NAME}")

    monkeypatch.setattr("echogan.ui.enhance.workplace.open_for_page", fail)
    with overheard(capfd, caplog):
        visitor = Visitor(served, "visitor4")
        with visitor.staying():
            visitor.call("add_clips", files=[visitor.upload(patient)])
            assert "Something went wrong" in visitor.until("refused")["error"]
            monkeypatch.setattr(Visits, "find", fail)
            assert "Something went wrong" in visitor.call("poll")["error"]
            monkeypatch.undo()
    assert caplog.text.count("RuntimeError at") == 2
    assert_gone(served)
