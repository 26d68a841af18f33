"""A study over DICOMweb: pulled, enhanced, stored back and found again, on Orthanc and on a stand-in."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest
from dicom_samples import save
from echo_study import NAME, PATIENT, echo_cine, echo_study
from fake_checkpoint import Scale, checkpoint
from fake_dicomweb import fake_dicomweb
from orthanc import LOGIN, orthanc
from planted_identity import ink
from pydicom import dcmread, uid
from small_archive import small_checkpoint

pytest.importorskip("dicomweb_client", reason="no dicomweb-client: pip install -r requirements-dicom.txt")

from echogan.archive.pacs import dicomweb
from echogan.archive.pacs.dicomweb import DicomWebServer
from echogan.archive.pacs.enhance_study import StudyCounts, enhance_study
from echogan.archive.pacs.one_object import ObjectJob
from echogan.cli.main import main
from echogan.core.errors import Cancelled, DicomServerError, ObjectRefused, SettingsError
from echogan.enhance.enhancer import EnhanceSettings

CPU = EnhanceSettings(device="cpu")


@pytest.fixture(params=["orthanc", "stand-in"])
def server(request, tmp_path, monkeypatch):
    for name in (dicomweb.TOKEN, dicomweb.LOGIN):
        monkeypatch.delenv(name, raising=False)
    with orthanc(tmp_path / "server") if request.param == "orthanc" else fake_dicomweb() as found:
        yield found


@pytest.fixture
def stand_in(monkeypatch):
    for name in (dicomweb.TOKEN, dicomweb.LOGIN):
        monkeypatch.delenv(name, raising=False)
    with fake_dicomweb() as found:
        yield found


def job(factor: float = 0.5) -> ObjectJob:
    return ObjectJob(checkpoint(Scale(factor)), keep_identity=True, settings=CPU)


def enhance(url: str, uid: str, lines: list[str] | None = None, the_job: ObjectJob | None = None, **more):
    """`enhance_study` with what most tests want."""
    told = [] if lines is None else lines
    given = {"output": None, "cancel": threading.Event(), **more}
    return enhance_study(
        DicomWebServer(url),
        uid,
        the_job or job(),
        given["output"],
        told.append,
        lambda name: nullcontext(lambda done, total: None),
        given["cancel"],
    )


def results(server) -> list:
    return [one for one in server.objects() if "ContributingEquipmentSequence" in one]


def test_a_study_is_pulled_enhanced_stored_back_and_found_again(server, tmp_path):
    study, files = echo_study(tmp_path / "files")
    for path in files:
        server.add(path)
    before = [dcmread(path) for path in files]
    lines: list[str] = []
    assert enhance(server.url, study, lines) == StudyCounts(enhanced=2, skipped=2)
    assert [line.split(":")[0] for line in lines] == [f"series 3, clip {n}" for n in (1, 2, 3, 4)]
    assert "still" in lines[2]
    assert "Doppler" in lines[3]
    made = sorted(results(server), key=lambda one: one.InstanceNumber)
    assert [one.SourceImageSequence[0].ReferencedSOPInstanceUID for one in made] == [
        one.SOPInstanceUID for one in before[:2]
    ]
    assert {one.SOPInstanceUID for one in made}.isdisjoint(one.SOPInstanceUID for one in before)
    assert len({one.SOPInstanceUID for one in made}) == 2
    for one, source in zip(made, before, strict=False):
        assert (one.StudyInstanceUID, one.PatientID, one.PatientName) == (study, PATIENT, NAME)
        assert one.SourceImageSequence[0].ReferencedSOPClassUID == source.SOPClassUID
        assert one.SeriesInstanceUID == made[0].SeriesInstanceUID != source.SeriesInstanceUID
        assert (one.SeriesNumber, one.InstanceNumber) == (1003, source.InstanceNumber)
        assert list(one.ImageType[:2]) == ["DERIVED", "SECONDARY"]
        assert "not for diagnosis" in one.SeriesDescription
        assert np.array_equal(one.pixel_array[:, ink()], source.pixel_array[:, ink()])
        assert (one.pixel_array != source.pixel_array).any()
    # What the server tells of the study names the results and their sources, too.
    told = DicomWebServer(server.url).instances(study)
    assert {one.uid: one.sources for one in told if one.ours} == {
        one.SOPInstanceUID: (source.SOPInstanceUID,) for one, source in zip(made, before, strict=False)
    }


def test_a_second_run_stores_only_what_is_missing(server, tmp_path):
    study, files = echo_study(tmp_path / "files")
    server.add(files[0])
    assert enhance(server.url, study).enhanced == 1
    server.add(files[1])
    lines: list[str] = []
    assert enhance(server.url, study, lines) == StudyCounts(enhanced=1, skipped=1)
    assert lines[0] == "series 3, clip 1: skipped, it has been stored already."
    assert len(results(server)) == 2
    assert len({one.SeriesInstanceUID for one in results(server)}) == 1, "a later run adds to the series"
    other = ObjectJob(checkpoint(Scale(0.5)), True, EnhanceSettings(device="cpu", strength=0.5))
    assert enhance(server.url, study, the_job=other).enhanced == 2, "another strength is another result"


def test_a_study_of_results_alone_says_why_nothing_is_done(stand_in, tmp_path):
    """As of a simulated clip, which carries this program's mark, too."""
    study, files = echo_study(tmp_path / "files")
    stand_in.add(files[0])
    enhance(stand_in.url, study)
    (made,) = results(stand_in)
    lines: list[str] = []
    with fake_dicomweb() as other:
        made.save_as(tmp_path / "made.dcm")
        other.add(tmp_path / "made.dcm")
        assert enhance(other.url, study, lines) == StudyCounts()
    assert lines == ["Everything there was made by this program, and is left alone."]


def test_a_series_alone_can_be_asked_for(server, tmp_path):
    study, first, second = (uid.generate_uid() for _ in range(3))
    for number, series in enumerate((first, second), 1):
        server.add(save(echo_cine(study, series, number, SeriesNumber=number), tmp_path / f"{number}.dcm"))
    assert enhance(server.url, second).enhanced == 1
    assert [one.SeriesNumber for one in results(server)] == [1002]
    assert enhance(server.url, second).skipped == 1


def test_without_storing_the_results_are_nameless_files(server, tmp_path):
    study, files = echo_study(tmp_path / "files")
    for path in files[:2]:
        server.add(path)
    out = tmp_path / "out"
    nameless = ObjectJob(checkpoint(Scale(0.5)), keep_identity=False, settings=CPU)
    assert enhance(server.url, study, the_job=nameless, output=out).enhanced == 2
    names = [f"series-003-clip-00{n}.{kind}" for n in (1, 2) for kind in ("dcm", "json")]
    assert sorted(path.name for path in out.iterdir()) == names
    source = dcmread(files[0])
    for path in out.iterdir():
        data = path.read_bytes()
        for word in (NAME, PATIENT, "A-17", study, source.SOPInstanceUID, source.SeriesInstanceUID):
            assert word.encode() not in data
    assert results(server) == []


def test_ctrl_c_between_clips_stores_nothing_half(stand_in, tmp_path):
    study, files = echo_study(tmp_path / "files")
    for path in files[:2]:
        stand_in.add(path)
    cancel = threading.Event()

    class Stopping(list):
        def append(self, line: str) -> None:
            cancel.set()

    with pytest.raises(Cancelled):
        enhance(stand_in.url, study, Stopping(), cancel=cancel)
    assert len(results(stand_in)) == 1
    assert enhance(stand_in.url, study) == StudyCounts(enhanced=1, skipped=1)
    assert len(results(stand_in)) == 2


def test_what_the_server_refuses_or_is_damaged_does_not_stop_the_others(stand_in, tmp_path):
    study, files = echo_study(tmp_path / "files")
    files[0].write_bytes(files[0].read_bytes()[:3000])
    third = save(echo_cine(study, uid.generate_uid(), 7, SeriesNumber=9), tmp_path / "third.dcm")
    for path in (*files[:2], third):
        stand_in.add(path)
    stand_in.refuse = 1
    lines: list[str] = []
    assert enhance(stand_in.url, study, lines) == StudyCounts(enhanced=1, failed=2)
    assert "series 3, clip 1: failed. " in lines[0]
    assert "series 3, clip 2: failed. " in lines[1]
    assert "did not take the result" in lines[1]
    assert enhance(stand_in.url, study) == StudyCounts(enhanced=1, skipped=1, failed=1)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"token": "abc"}, DicomServerError, "does not let this program in"),
        ({"status": 503}, DicomServerError, "fault of its own"),
        ({"status": 404}, DicomServerError, "does not answer as DICOMweb does"),
        ({"body": b"<html>"}, DicomServerError, "does not answer as DICOMweb does"),
        ({"body": b"[]"}, SettingsError, "no study and no series"),
        ({"body": b'[{"0020000D": 3}, 4]'}, SettingsError, "no study and no series"),
    ],
)
def test_servers_that_misbehave_are_told_in_a_sentence(stand_in, change, error, sentence):
    for name, value in change.items():
        setattr(stand_in, name, value)
    with pytest.raises(error, match=sentence):
        enhance(stand_in.url, "1.2.3")


def test_an_object_that_is_gone_is_refused_alone(stand_in, tmp_path):
    path = save(echo_cine("1.2.3", "1.2.4", 1), tmp_path / "a.dcm")
    stand_in.add(path)
    server = DicomWebServer(stand_in.url)
    found = server.instances("1.2.3")[0]
    stand_in.kept.clear()
    with pytest.raises(ObjectRefused, match="404"):
        server.fetch(found, tmp_path / "b.dcm")
    assert not (tmp_path / "b.dcm").exists()


def test_a_token_is_sent_and_never_shown(stand_in, tmp_path, monkeypatch, capsys, caplog):
    study, files = echo_study(tmp_path / "files")
    stand_in.add(files[0])
    monkeypatch.setenv(dicomweb.TOKEN, "secret-token")
    stand_in.token = "secret-token"
    assert enhance(stand_in.url, study).enhanced == 1
    stand_in.token = "another"
    with pytest.raises(DicomServerError) as caught:
        enhance(stand_in.url, study)
    shown = capsys.readouterr()
    for text in (str(caught.value), shown.out, shown.err, caplog.text):
        assert "secret-token" not in text
        assert study not in text


def test_orthanc_with_a_login(tmp_path, monkeypatch):
    study, files = echo_study(tmp_path / "files")
    monkeypatch.delenv(dicomweb.TOKEN, raising=False)
    with orthanc(tmp_path / "server", login=True) as server:
        server.add(files[0])
        monkeypatch.delenv(dicomweb.LOGIN, raising=False)
        with pytest.raises(DicomServerError, match=dicomweb.LOGIN):
            enhance(server.url, study)
        monkeypatch.setenv(dicomweb.LOGIN, ":".join(LOGIN))
        assert enhance(server.url, study).enhanced == 1
        assert len(results(server)) == 1


@pytest.mark.parametrize("url", ["pacs:8042", "ftp://pacs/", "http://ann:secret@pacs/", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(SettingsError, match="http://host:port/path") as caught:
        DicomWebServer(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "1.2.x", "1." * 40 + "1", "../1.2"])
def test_what_is_no_uid_is_not_asked_for(stand_in, wrong):
    with pytest.raises(SettingsError, match="no UID"):
        enhance(stand_in.url, wrong)
    assert stand_in.log == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--store, or --output"),
        (["--store", "--output", "there"], "--store, or --output"),
        (["--store"], "--keep-identity"),
        (["--output", "."], "not empty"),
    ],
)
def test_the_command_says_what_is_missing(arguments, sentence, capsys):
    assert main(["dicomweb", "http://127.0.0.1:1", "1.2.3", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_from_end_to_end(stand_in, tmp_path, capsys):
    study, files = echo_study(tmp_path / "files")
    stand_in.add(files[0])
    stand_in.add(files[2])
    model = small_checkpoint(tmp_path / "small")
    asked = ["dicomweb", stand_in.url, study, "--store", "--keep-identity", "--model", str(model)]
    assert main([*asked, "--device", "cpu"]) == 0
    shown = capsys.readouterr()
    assert "1 enhanced, 1 skipped, 0 failed." in shown.out
    assert NAME not in shown.out + shown.err
    assert study not in shown.out + shown.err
    assert len(results(stand_in)) == 1
    assert main(["dicomweb", "http://127.0.0.1:1/dicom-web", study, *asked[3:]]) == 2
    assert "cannot be reached" in capsys.readouterr().err
