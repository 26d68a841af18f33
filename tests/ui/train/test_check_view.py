"""What the page says of a data check: the verdict, the numbers, and frames only for who may see them."""

import json
import os
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from echogan.jobs.data_check_advice import DataCheck, Side
from echogan.jobs.job import Job, Status
from echogan.jobs.log_messages import checking
from echogan.jobs.process import ProcessId, write_process
from echogan.ui.train.check_view import check_panel
from echogan.ui.train.run_view import status_sentence

FOUND = DataCheck(
    low=Side(40, 20, 4, 256, 60.0, 30.0), high=Side(0, 0, 0, 0, 80.0, 40.0), separability=0.83, unseen=False,
    duplicates=3, shared_patients=0, size=256, seconds_per_step=0.5, hours=2.0,
    advice=("3 clips are on <both> sides.", "Worth starting: the difference is clear."), worth_starting=True,
)  # fmt: skip


@pytest.fixture
def job(tmp_path) -> Job:
    """A run whose data were checked."""
    job = Job(tmp_path / "look")
    job.path.mkdir()
    process = ProcessId(2**22 + 1, 1.0)  # ended long ago
    write_process(job.process_file, process, settings={"steps": 10}, check=True)
    os.utime(job.process_file, (1, 1))
    job.check.write_text(json.dumps(asdict(FOUND)))
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(job.sheet)
    return job


def test_the_verdict_comes_first_and_the_numbers_follow(job):
    assert job.status().state == "checked"
    page = check_panel(job, picture=True)
    assert 'data-worth="true"' in page
    assert page.index("Worth starting: the difference is clear.") < page.index("40 clips of 20 patients")
    assert "simulated, grey 80" in page
    assert "83 % of frames, some of them of clips that it had learnt from; 50 % is chance" in page
    assert "0.50 s a step, about 2 h 00 min in all" in page
    assert "&lt;both&gt;" in page
    assert page.count("data:image/png;base64,") == 1


def test_frames_are_shown_to_who_may_see_them_only(job):
    assert "data:image" not in check_panel(job, picture=False)


def test_what_is_damaged_or_not_there_shows_nothing(job):
    job.sheet.unlink()
    assert check_panel(job, picture=True) == ""
    job.check.write_text('{"separability": 0.8}')
    assert check_panel(job, picture=False) == ""
    job.check.unlink()
    assert check_panel(job, picture=False) == ""


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("5 of 8 files", "Your clips are being prepared: 5 of 8 files."),
        ("80 of 240 steps", "tell the two sides apart: 80 of 240 steps."),
        ("", "tell the two sides apart. That takes some minutes."),
    ],
)
def test_while_it_lasts_the_page_says_how_far_it_is(message, words):
    assert words in status_sentence(Status("checking", 0, 100, message=message))


def test_how_far_it_is_comes_from_the_log():
    assert checking(["step 20/240: 48% told right", "step 80/240: 65% told right"]) == "80 of 240 steps"
    assert checking(["step 80/240  generators 1.000"]) == checking([]) == ""
