"""The Studies tab in a real browser: from a folder of clips to a frozen, unblinded study."""

import os
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from studies import rating
from viewer_page import counted_clip

from echogan.clips.files import open_clip, write_clip
from echogan.study.store.monitor import monitor
from echogan.study.store.ratings import record
from echogan.study.store.readers import readers
from echogan.study.store.reading import next_task
from echogan.study.store.store import Store

MAKING = 180_000  # ms: writing stimuli on a busy machine takes its time


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three originals and their enhanced clips, in a folder that the app offers; studies go beside it."""
    folder = tmp_path / "clips"
    for arm in ("original", "enhanced"):
        (folder / arm).mkdir(parents=True)
    for name in ("p1_a4c", "p2_a4c", "p3_plax"):
        clip = open_clip(counted_clip(folder / "original" / f"{name}.gif", 6))
        write_clip(folder / "enhanced" / f"{name}.gif", (frame // 2 for frame in clip.iter_frames()), clip)
    monkeypatch.setenv("ECHOGAN_DATA_FOLDERS", str(tmp_path))
    monkeypatch.setenv("ECHOGAN_STUDIES", str(tmp_path / "studies"))
    return folder


def answer(page: Page, button: str, **fields: str) -> None:
    """Press a button of the study, and agree in the dialog that asks."""
    page.locator(".st-main").get_by_role("button", name=button, exact=True).click()
    dialog = page.locator("dialog.st-ask[open]")
    for name, value in fields.items():
        dialog.locator(f"[name={name}]").fill(value)
    dialog.locator("[value=yes]").click()
    expect(dialog).to_be_hidden()


def photograph(page: Page, state: str) -> None:
    """Screenshots of the tab for somebody to look at, where ECHOGAN_SCREENSHOTS names a folder."""
    if folder := os.environ.get("ECHOGAN_SCREENSHOTS"):
        for width, height in ((390, 844), (1024, 768), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=f"{folder}/studies-{state}-{width}.png", full_page=True)


def test_a_study_from_its_clips_to_unblinding(clips: Path, page: Page, tmp_path: Path):
    page.get_by_role("tab", name="Studies").click(timeout=MAKING)
    expect(page.get_by_text("No study yet.")).to_be_visible()
    main = page.locator(".st-main")
    create(page, main, clips)
    confirm_the_stimuli(page, main)
    rehearse(page, main)
    invite(page, main)
    answer(page, "Open")
    expect(main).to_contain_text("Open: readers are rating")
    read_everything(Store(tmp_path / "studies" / "first"))
    expect(main).to_contain_text("3/3")
    expect(main).to_contain_text("finished")
    photograph(page, "open")
    # No arm before the unblinding: what would show one is not offered.
    answer(page, "Freeze")
    expect(main).to_contain_text("Frozen")
    expect(main.get_by_role("button", name="Ratings as CSV")).to_have_count(0)
    answer(page, "Unblind", reason="all readers are done")
    expect(main).to_contain_text("unblinded")
    download_everything(page, main)
    main.get_by_text("Log", exact=True).click()
    expect(main.locator(".st-log")).to_contain_text("all readers are done")
    main.get_by_role("button", name="Check the log").click()
    expect(page.locator(".st-live")).to_contain_text("as they were written")
    photograph(page, "unblinded")
    answer(page, "Close")
    expect(main).to_contain_text("Closed")


def create(page: Page, main: Locator, clips: Path) -> None:
    """Fill in the form. What is wrong in it is said; a folder that is not offered is not told from a missing one."""
    page.locator("[name=name]").fill("first")
    page.locator("[name=protocol]").select_option("fidelity")
    page.locator("[name=training]").fill("0")
    for place in ("/etc", "/nowhere"):
        page.locator("[name=place]").fill(place)
        page.get_by_role("button", name="Create").click()
        expect(page.locator(".st-live")).to_contain_text("not there among the folders")
    page.get_by_role("button", name="Preview protocol").click()
    expect(main).to_contain_text("Does the enhanced clip lack a structure")
    page.locator("[name=place]").fill(str(clips))
    page.get_by_role("button", name="Create").click()
    expect(main.get_by_role("heading", name="first")).to_be_visible(timeout=MAKING)
    expect(main).to_contain_text("Draft")
    photograph(page, "draft")


def confirm_the_stimuli(page: Page, main: Locator) -> None:
    """A draft says why it cannot open; the stimuli are looked at and confirmed."""
    answer(page, "Open")
    expect(page.locator(".st-live")).to_contain_text("Nobody has looked at the stimuli")
    main.get_by_role("button", name="Look at the stimuli").click()
    expect(page.locator(".st-show")).to_contain_text("Stimulus 1 of 3")
    page.locator(".st-show [data-show='1']").click()
    expect(page.locator(".st-show")).to_contain_text("Stimulus 2 of 3")
    page.wait_for_function("document.querySelector('.st-show video').readyState >= 2")
    page.locator(".st-show [data-show='0']").click()
    answer(page, "Confirm the stimuli")
    expect(main).to_contain_text("A person has looked at the stimuli")


def rehearse(page: Page, main: Locator) -> None:
    """The dry run is read in a copy."""
    main.get_by_role("button", name="Dry run as a reader").click()
    link = main.get_by_role("link", name="Read the copy").get_attribute("href")
    with page.context.expect_page() as opened:
        main.get_by_role("link", name="Read the copy").click()
    rehearsal = opened.value
    expect(rehearsal.get_by_role("button", name="Start")).to_be_visible()
    assert rehearsal.url == link
    rehearsal.close()


def invite(page: Page, main: Locator) -> None:
    """A reader is invited, and the link is shown once."""
    answer(page, "Invite a reader", role="sonographer", years="7")
    url = page.locator(".st-url").input_value()
    assert "/read/" in url
    main.get_by_role("button", name="Done").click()
    expect(page.locator(".st-url")).to_have_count(0)


def read_everything(store: Store) -> None:
    """The one reader rates every case."""
    reader = readers(store)[0]
    assert (reader.role, reader.years) == ("sonographer", 7)
    while task := next_task(store, reader):
        record(store, reader, rating(task))
    assert monitor(store)[0].done == 3


def download_everything(page: Page, main: Locator) -> None:
    """The report, all results, the ratings and the study itself."""
    with page.expect_download(timeout=MAKING) as arriving:
        main.get_by_role("button", name="Report (PDF)").click()
    report = arriving.value.path().read_bytes()
    assert arriving.value.suggested_filename == "report.pdf"
    assert report.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", report)) >= 3
    if folder := os.environ.get("ECHOGAN_SCREENSHOTS"):
        Path(folder, "report.pdf").write_bytes(report)
    with page.expect_download(timeout=MAKING) as arriving:
        main.get_by_role("button", name="All results (ZIP)").click()
    with zipfile.ZipFile(arriving.value.path()) as results:
        assert results.read("report.pdf") == report  # the same ratings give the same report
    with page.expect_download() as arriving:
        main.get_by_role("button", name="Ratings as CSV").click()
    assert arriving.value.suggested_filename == "ratings.csv"
    assert len(arriving.value.path().read_text().splitlines()) == 1 + 3 * 3  # three clips, three questions
    with page.expect_download() as arriving:
        main.get_by_role("button", name="Export the study").click()
    assert zipfile.is_zipfile(arriving.value.path())
