"""The zip of a run: it can be loaded again, and holds no clip."""

from zipfile import ZipFile

import pytest
from small_archive import small_checkpoint

from echogan.core.errors import OutputError, TrainingError
from echogan.jobs.job import Job
from echogan.jobs.run_zip import pack_run
from echogan.model.checkpoints.checkpoint import read_checkpoint


@pytest.fixture
def job(tmp_path) -> Job:
    job = Job(tmp_path / "my run")
    small_checkpoint(job.path / "checkpoint_best")
    job.metrics.write_text('{"step": 1}\n')
    (job.path / "state.safetensors").write_bytes(b"x")
    for folder in (job.data / "low", job.uploads, job.previews):
        folder.mkdir(parents=True)
        (folder / "jane_doe.npz").write_bytes(b"x")
    return job


def test_the_zip_is_a_checkpoint_with_a_card_and_the_curves_alone(job, tmp_path):
    packed = pack_run(job, tmp_path)
    assert packed.name == "my run.zip"
    with ZipFile(packed) as file:
        assert sorted(file.namelist()) == [
            f"my run/{name}" for name in ("README.md", "config.json", "metrics.jsonl", "model.safetensors")
        ]
        file.extractall(tmp_path / "out")
    there = read_checkpoint(tmp_path / "out" / "my run")
    assert there.sha256 == read_checkpoint(job.path / "checkpoint_best").sha256
    assert there.sha256[:12] in (tmp_path / "out" / "my run" / "README.md").read_text()


def test_a_card_that_is_there_stays_as_it_is(job, tmp_path):
    (job.path / "checkpoint_best" / "README.md").write_text("mine")
    with ZipFile(pack_run(job, tmp_path)) as file:
        assert file.read("my run/README.md") == b"mine"


def test_before_the_first_save_there_is_nothing_to_pack(tmp_path):
    with pytest.raises(TrainingError, match="first save"):
        pack_run(Job(tmp_path / "new"), tmp_path)


def test_where_it_cannot_be_written_it_is_said(job, tmp_path):
    with pytest.raises(OutputError, match=r"my run\.zip could not be written"):
        pack_run(job, tmp_path / "nowhere")
    assert not list(tmp_path.glob("*.zip"))
