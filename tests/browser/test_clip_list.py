"""The clips of a session: dropped, enhanced, found again after a reload, exported as a zip, removed and restored."""

import re
import zipfile
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.support.viewer_page import WORKING, choose_model, counted_clip, drop, opened


def test_eight_clips_are_dropped_enhanced_reloaded_and_exported(
    page: Page, short_clip, small_model, tmp_path
):
    opened(page, short_clip)
    clips = [counted_clip(tmp_path / f"study_{number}.gif", 3) for number in range(8)]
    refused = tmp_path / "notes.txt"
    refused.write_text("no clip")
    drop(page, *clips, refused)
    items = page.locator(".eg-list li")
    expect(items).to_have_count(9, timeout=WORKING)
    expect(page.locator(".eg-messages")).to_contain_text("notes.txt", timeout=WORKING)
    expect(page.locator(".eg-list img")).to_have_count(9, timeout=WORKING)
    # The clip that was open stays in view.
    expect(page.locator(".eg-list li[aria-current] b")).to_have_text("short.gif")

    choose_model(page, small_model)
    page.locator("#eg-run-all").click()
    expect(page.locator(".eg-list li[data-state=done]")).to_have_count(9, timeout=WORKING)

    page.reload(wait_until="domcontentloaded")
    expect(items).to_have_count(9, timeout=WORKING)
    expect(page.locator(".eg-list li[aria-current] b")).to_have_text("short.gif")
    expect(page.locator(".eg-app")).to_have_attribute("data-state", "result", timeout=WORKING)

    page.locator(".eg-export summary").click()
    with page.expect_download(timeout=WORKING) as saved:
        page.get_by_role("button", name="All enhanced clips").click()
    assert saved.value.suggested_filename.endswith(".zip")
    names = zipfile.ZipFile(saved.value.path()).namelist()
    for number in range(8):
        assert any(Path(name).name.startswith(f"study_{number}_enhanced_small") for name in names), names


def test_a_removed_clip_comes_back_by_undo_and_else_goes(page: Page, short_clip, tmp_path):
    opened(page, short_clip)
    drop(page, counted_clip(tmp_path / "second.gif", 3))
    items = page.locator(".eg-list li")
    expect(items).to_have_count(2, timeout=WORKING)
    page.get_by_role("button", name="Remove short.gif").click()
    expect(items).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(items).to_have_count(2)
    page.get_by_role("button", name="Remove second.gif").click()
    expect(page.locator(".eg-undo")).to_be_hidden(timeout=15_000)
    expect(items).to_have_count(1)
    page.reload(wait_until="domcontentloaded")
    expect(items).to_have_count(1, timeout=WORKING)


def test_another_tab_of_the_browser_is_another_session(page: Page, short_clip):
    opened(page, short_clip)
    other = page.context.new_page()
    other.goto(page.url, wait_until="domcontentloaded")
    other.wait_for_function("document.querySelector('.eg-example-list button') !== null")
    expect(other.locator(".eg-list li")).to_have_count(0)
    other.close()


def is_call(route: Route, name: str) -> bool:
    return f'"fn_name":"{name}"' in (route.request.post_data or "").replace(" ", "")


def test_the_page_goes_on_after_the_server_did_not_answer(page: Page, short_clip, small_model):
    opened(page, short_clip)
    choose_model(page, small_model)
    calls = re.compile("/component_server")
    page.route(calls, lambda route: route.abort() if is_call(route, "news") else route.continue_())
    page.locator("#eg-run").click()
    messages = page.locator(".eg-messages li")
    expect(messages).to_contain_text("The server does not answer", timeout=90_000)
    page.wait_for_timeout(6000)
    expect(messages).to_have_count(1)  # said again, it stands there once
    page.unroute(calls)
    expect(page.locator(".eg-app")).to_have_attribute("data-state", "result", timeout=WORKING)


def test_who_has_lost_the_clips_is_told_so(page: Page, short_clip):
    opened(page, short_clip)
    gone = '{"error": "This list of clips is no longer on the server.", "gone": true}'

    def lose(route: Route) -> None:
        if is_call(route, "enhance"):
            route.fulfill(status=200, content_type="application/json", body=gone)
        else:
            route.continue_()

    page.route(re.compile("/component_server"), lose)
    page.locator("#eg-run").click()
    expect(page.locator(".eg-messages")).to_contain_text("Open the clips again")
    page.unroute_all(behavior="wait")
