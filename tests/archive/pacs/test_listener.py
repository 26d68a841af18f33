"""The DICOM node: what it takes and refuses, what becomes of it, and that a killed one goes on where it was."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from app_process import free_port
from dicom_samples import save
from echo_study import NAME, PATIENT, echo_cine
from fake_checkpoint import Scale, checkpoint
from orthanc import AET, orthanc
from planted_identity import ink
from pydicom import dcmread, uid
from small_archive import small_checkpoint

pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-dicom.txt")

from dicom_nodes import PLAIN, echo, receiver, send

from echogan.archive.pacs import listener
from echogan.archive.pacs.delivery import FolderDelivery, NodeDelivery
from echogan.archive.pacs.listener import ListenSettings, Worker, receiving
from echogan.archive.pacs.one_object import ObjectJob
from echogan.archive.pacs.store_queue import StoreQueue
from echogan.cli.main import main
from echogan.core.errors import SettingsError
from echogan.enhance.enhancer import EnhanceSettings

ROOT = Path(__file__).resolve().parents[3]
# So long that no UID that is made at random holds one of them.
STUDY, SERIES = (
    "1.2.826.0.1.3680043.8.498.7700000000000000000000001",
    "1.2.826.0.1.3680043.8.498.7700000000000000000000002",
)
JPEG_LS = "1.2.840.10008.1.2.4.80"
END_SECONDS = 120


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)  # the listener changes it


@pytest.fixture
def queue(tmp_path):
    with StoreQueue(tmp_path / "queue", 3) as found:
        yield found


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def port(queue, lines):
    settings = ListenSettings(port=free_port())
    with receiving(settings, queue, lines.append):
        yield settings.port


def cine(folder: Path, number: int = 1, **tags) -> Path:
    return save(echo_cine(STUDY, SERIES, number, **tags), folder / f"{number}.dcm")


def job(keep_identity: bool = True) -> ObjectJob:
    return ObjectJob(checkpoint(Scale(0.5)), keep_identity, EnhanceSettings(device="cpu"))


def test_it_answers_an_echo_and_takes_cines_in_order(port, queue, lines, tmp_path):
    assert echo(port) == 0
    sent = [cine(tmp_path, number) for number in (1, 2)]
    assert [send(port, path) for path in sent] == [0, 0]
    assert lines == ["Clip 1: received.", "Clip 2: received."]
    kept = [dcmread(queue.received / f"00000{number}.dcm") for number in (1, 2)]
    assert [one.SOPInstanceUID for one in kept] == [dcmread(path).SOPInstanceUID for path in sent]
    assert [one.PixelData for one in kept] == [dcmread(path).PixelData for path in sent]
    assert list(queue.incoming.iterdir()) == []


def test_what_is_no_ultrasound_cine_is_refused(port, queue, lines, tmp_path):
    ct = save(echo_cine(STUDY, SERIES, 1, SOPClassUID=uid.CTImageStorage), tmp_path / "ct.dcm")
    assert send(port, ct) is None, "the context is refused"
    assert send(port, cine(tmp_path, 2, Modality="XA")) == listener.OTHER_KIND
    assert queue.waiting() == []
    assert list(queue.incoming.iterdir()) == []
    assert "refused" in lines[-1]


def test_a_full_queue_says_so(port, queue, tmp_path):
    path = cine(tmp_path)
    assert [send(port, path) for _ in range(4)] == [0, 0, 0, listener.NO_ROOM]


def test_an_object_that_is_too_large_ends_the_association_and_the_next_is_taken(queue, lines, tmp_path):
    small, large = cine(tmp_path, 1), cine(tmp_path, 2)
    found = dcmread(large)
    found.PixelData = found.PixelData * 8
    found.NumberOfFrames = found.NumberOfFrames * 8
    found.save_as(large)
    settings = ListenSettings(port=free_port(), max_object_bytes=2 * small.stat().st_size)
    with receiving(settings, queue, lines.append):
        assert [send(settings.port, path) for path in (small, large, small)] == [0, None, 0]
    assert lines == [
        "Clip 1: received.",
        "An object was refused: it has more bytes than --max-object-bytes.",
        "Clip 2: received.",
    ]


def test_many_objects_of_one_association_have_the_limit_each(queue, tmp_path):
    path = cine(tmp_path)
    settings = ListenSettings(port=free_port(), max_object_bytes=2 * path.stat().st_size)
    with receiving(settings, queue, lambda line: None):
        assert send(settings.port, path, times=3) == 0
    assert queue.waiting() == [1, 2, 3]


def test_an_object_that_is_sent_twice_is_enhanced_once(port, queue, lines, tmp_path):
    source = cine(tmp_path)
    again = save(echo_cine(STUDY, SERIES, 1, PatientName="Corrected^Name"), tmp_path / "corrected.dcm")
    assert [send(port, path) for path in (source, source, again)] == [0, 0, 0]
    worker = Worker(queue, job(), FolderDelivery(tmp_path / "out"), lines.append)
    while worker.enhance_one():
        pass
    assert [line.split(" in ")[0] for line in lines[3:]] == [
        "Clip 1: enhanced",
        "Clip 2: was enhanced before, and is left alone.",
        "Clip 3: enhanced",
    ]
    elsewhere = Worker(queue, job(), FolderDelivery(tmp_path / "another"), lines.append)
    send(port, source)
    elsewhere.enhance_one()
    assert " enhanced in " in lines[-1], "its result was never delivered there"
    while elsewhere.deliver_one():  # else the queue is full
        pass
    model = job().checkpoint
    stronger = replace(job(), checkpoint=replace(model, config=replace(model.config, gain=1.5)))
    send(port, source)
    Worker(queue, stronger, FolderDelivery(tmp_path / "out"), lines.append).enhance_one()
    assert " enhanced in " in lines[-1], "the same weights, applied otherwise, make another result"


def test_a_clip_that_failed_is_tried_again_when_it_is_sent_again(queue, lines, tmp_path, monkeypatch):
    worker = Worker(queue, job(), FolderDelivery(tmp_path / "out"), lines.append)
    data = cine(tmp_path).read_bytes()
    for broken in (True, False):
        (queue.incoming / "a.dcm").write_bytes(data)
        queue.put(queue.incoming / "a.dcm")
        with monkeypatch.context() as patch:
            if broken:
                patch.setattr(listener, "enhance_object", lambda *_, **__: 1 / 0)
            worker.enhance_one()
    assert lines[0].startswith("Clip 1: not enhanced. A fault of the program")
    assert lines[1].startswith("Clip 1: enhanced in ")


def test_only_nodes_of_the_list_may_send(queue, tmp_path):
    settings = ListenSettings(port=free_port(), accept_from="CART1, CART2")
    with receiving(settings, queue, lambda line: None):
        assert send(settings.port, cine(tmp_path), calling="SENDER") is None
        assert send(settings.port, cine(tmp_path), calling="CART2") == 0


def test_results_into_a_folder_are_nameless_and_do_not_come_back(port, queue, lines, tmp_path):
    source = cine(tmp_path)
    send(port, source)
    worker = Worker(queue, job(keep_identity=False), FolderDelivery(tmp_path / "out"), lines.append)
    assert worker.enhance_one()
    assert worker.deliver_one()
    assert queue.waiting() == []
    (made,) = (tmp_path / "out").iterdir()
    found = dcmread(made)
    assert made.stem == found.SOPInstanceUID
    assert not found.pixel_array[:, ink()].any()
    for word in (NAME, PATIENT, STUDY, SERIES, dcmread(source).SOPInstanceUID):
        assert word.encode() not in made.read_bytes()
        assert not any(word in line for line in lines)
    assert send(port, made) == 0
    assert lines[-1] == "A result of this program came back and was left alone."
    assert queue.waiting() == []


@pytest.mark.parametrize("syntaxes", [(JPEG_LS, PLAIN), (PLAIN,), ("1.2.840.10008.1.2",)])
def test_results_go_to_a_node_in_a_syntax_that_it_takes(port, queue, lines, tmp_path, syntaxes):
    source = cine(tmp_path)
    send(port, source)
    with receiver(syntaxes) as (there, came):
        worker = Worker(queue, job(), NodeDelivery("127.0.0.1", there, "RECEIVER", "ECHOGAN"), lines.append)
        worker.enhance_one()
        lossless = dcmread(queue.results / "000001.dcm").pixel_array
        assert worker.deliver_one()
    assert lines[-1] == "Clip 1: delivered."
    (found,) = came
    assert found.file_meta.TransferSyntaxUID == syntaxes[0]
    assert (found.pixel_array == lossless).all()
    assert found.StudyInstanceUID == STUDY
    assert found.SourceImageSequence[0].ReferencedSOPInstanceUID == dcmread(source).SOPInstanceUID
    assert (found.PatientID, found.PatientName) == (PATIENT, NAME)


def test_a_receiver_that_is_down_gets_the_result_later(queue, lines, tmp_path, monkeypatch):
    monkeypatch.setattr(listener, "FIRST_WAIT", 0.0)
    there = free_port()
    path = queue.incoming / "a.dcm"
    path.write_bytes(cine(tmp_path).read_bytes())
    queue.put(path)
    worker = Worker(queue, job(), NodeDelivery("127.0.0.1", there, "RECEIVER", "ECHOGAN"), lines.append)
    worker.enhance_one()
    assert not worker.deliver_one()
    assert "cannot be reached" in lines[-1]
    assert queue.waiting() == [1]
    with receiver(port=there) as (_, came):
        assert worker.deliver_one()
    assert len(came) == 1
    assert queue.waiting() == []


def test_a_result_that_is_refused_is_put_aside(queue, lines, tmp_path):
    path = queue.incoming / "a.dcm"
    path.write_bytes(cine(tmp_path).read_bytes())
    queue.put(path)
    with receiver(status=0xC000) as (there, _):
        worker = Worker(queue, job(), NodeDelivery("127.0.0.1", there, "RECEIVER", "ECHOGAN"), lines.append)
        worker.enhance_one()
        assert worker.deliver_one()
    assert "put aside" in lines[-1]
    assert len(list(queue.refused.iterdir())) == 1


def test_a_clip_that_cannot_be_enhanced_does_not_hold_up_the_next(queue, lines, tmp_path):
    data = cine(tmp_path).read_bytes()
    for name, content in (("a", data[:3000]), ("b", data)):
        path = queue.incoming / f"{name}.dcm"
        path.write_bytes(content)
        queue.put(path)
    worker = Worker(queue, job(), FolderDelivery(tmp_path / "out"), lines.append)
    assert worker.enhance_one()
    assert lines[-1].startswith("Clip 1: not enhanced. ")
    assert worker.enhance_one()
    assert lines[-1].startswith("Clip 2: enhanced in ")
    assert queue.to_enhance() is None


def test_orthanc_gets_the_result_into_the_study(port, queue, lines, tmp_path):
    source = cine(tmp_path)
    with orthanc(tmp_path / "server") as server:
        server.add(source)
        send(port, source)
        worker = Worker(
            queue, job(), NodeDelivery("127.0.0.1", server.dicom_port, AET, "ECHOGAN"), lines.append
        )
        worker.enhance_one()
        assert worker.deliver_one(), lines
        found = [one for one in server.objects() if "SourceImageSequence" in one]
    assert [one.SourceImageSequence[0].ReferencedSOPInstanceUID for one in found] == [
        dcmread(source).SOPInstanceUID
    ]
    assert found[0].StudyInstanceUID == STUDY


def started(tmp_path: Path, port: int, model: Path, *more: str) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "echogan",
        "listen",
        "--port",
        str(port),
        "--output",
        str(tmp_path / "out"),
    ]
    command += ["--queue", str(tmp_path / "queue"), "--model", str(model), "--device", "cpu", *more]
    log = (tmp_path / "log.txt").open("a")
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    await_line(tmp_path, "Results go to")
    return process


def await_line(tmp_path: Path, words: str) -> None:
    end = time.monotonic() + END_SECONDS
    while words not in (tmp_path / "log.txt").read_text():
        assert time.monotonic() < end, (tmp_path / "log.txt").read_text()
        time.sleep(0.05)


def test_a_killed_listener_goes_on_where_it_was(tmp_path):
    model = small_checkpoint(tmp_path / "small")
    port = free_port()
    process = started(tmp_path, port, model)
    for number in (1, 2):
        assert send(port, cine(tmp_path, number)) == 0
    await_line(tmp_path, "Clip 1: enhanced")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / ".0123456789ab.part").touch()  # as a kill in the middle of a delivery leaves it
    (tmp_path / "log.txt").write_text("")
    process = started(tmp_path, port, model)
    end = time.monotonic() + END_SECONDS
    while len(list((tmp_path / "out").glob("*.dcm"))) < 2:
        assert time.monotonic() < end, (tmp_path / "log.txt").read_text()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert "Stopped; 0 clips wait in the queue." in (tmp_path / "log.txt").read_text()
    assert NAME not in (tmp_path / "log.txt").read_text()
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert not [*(tmp_path / "queue" / "received").iterdir(), *(tmp_path / "queue" / "results").iterdir()]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--send-to HOST:PORT:AET, or --output"),
        (["--send-to", "pacs:104:A", "--output", "out"], "--send-to HOST:PORT:AET, or --output"),
        (["--send-to", "pacs"], "is no receiver"),
        (["--send-to", "pacs:104:ARCHIVE-OF-THE-HOSPITAL"], "no application entity title"),
        (["--output", "out", "--title", ""], "no application entity title"),
        (["--output", "out", "--port", "0"], "port"),
    ],
)
def test_mistakes_are_sentences(arguments, sentence, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["listen", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_told(port, queue, tmp_path):
    with (
        StoreQueue(tmp_path / "other", 3) as other,
        pytest.raises(SettingsError, match="another --port"),
        receiving(ListenSettings(port=port), other, print),
    ):
        pytest.fail("it listens")


def test_the_loop_ends_when_it_is_told_to(queue):
    cancel = threading.Event()
    thread = threading.Thread(
        target=Worker(queue, job(), FolderDelivery(queue.folder), print).run, args=(cancel,)
    )
    thread.start()
    cancel.set()
    thread.join(10)
    assert not thread.is_alive()
