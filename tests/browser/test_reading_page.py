"""The reading page in a real browser: a whole study by the keyboard, with undo, a reload and a lost connection."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from reading_server import free_port, serving
from small_study import FRAMES, small_protocol, small_study

from echogan.study.store.readers import invite
from echogan.study.store.store import Store


class Reading:
    """A study of ten showings, a reader's link, and a page that works with its keys alone."""

    def __init__(self, store: Store, context: BrowserContext, address: str, token: str) -> None:
        self.store, self.context, self.link = store, context, f"{address}/read/{token}"
        self.errors: list[str] = []
        self.page = self.open()

    def open(self) -> Page:
        """A new window at the link."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(self.link)
        return page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def start(self) -> None:
        """Leave the words before the first case, by the key that their button waits for."""
        expect(self.page.get_by_role("button", name="Start")).to_be_focused()
        self.press("Enter")

    def ready(self, number: int) -> None:
        """Wait until a case has been seen once to its end."""
        expect(self.page.locator(".count")).to_contain_text(f"{number}/10")
        expect(self.page.locator("main.case:not([aria-busy]) .watch")).to_have_attribute("hidden", "")

    def saved(self) -> None:
        expect(self.page.locator(".saved")).to_have_text("✓ Saved")

    def ratings(self) -> list[tuple[int, int, str]]:
        """(position, revision, answers) of all that is stored, in the order of arrival."""
        with self.store.read() as db:
            rows = db.execute(
                "SELECT position, revision, answers FROM rating JOIN assignment AS a ON a.id = assignment "
                "ORDER BY submitted"
            ).fetchall()
        return [tuple(row) for row in rows]


@pytest.fixture
def reading(tmp_path: Path, browser: Browser) -> Iterator[Reading]:
    store = small_study(tmp_path / "one", small_protocol("pair"))
    token = invite(store, "owner")[1]
    context = browser.new_context(viewport={"width": 1280, "height": 800}, service_workers="block")
    with serving(tmp_path) as address:
        made = Reading(store, context, address, token)
        yield made
        context.close()
    assert made.errors == []


def answers(preference: int, border: int | None) -> str:
    return f'{{"border_pair":{"null" if border is None else border},"preference":{preference}}}'


def test_a_whole_study_by_the_keyboard_alone(reading: Reading):
    page = reading.page
    held: list[Route] = []
    page.route("**/media/*", lambda route: held.append(route))
    reading.start()

    # Before the whole clip was seen no answer is taken: here its bytes are still on their way.
    expect(page.locator(".count")).to_contain_text("1/10")
    reading.press("1")
    assert page.locator("input:checked").count() == 0
    for route in held:
        route.continue_()
    page.unroute("**/media/*")
    reading.ready(1)
    reading.press("Enter")  # not all answered
    expect(page.locator(".live")).to_contain_text("Not answered yet")
    reading.press("2", "4", "Enter")
    reading.saved()

    # Undo makes a revision; Escape leaves the case again, with nothing changed.
    reading.ready(2)
    reading.press("u")
    expect(page.get_by_role("heading", name="Change your rating")).to_be_visible()
    expect(page.locator("fieldset[name=preference] input:checked")).to_have_value("-2")
    reading.press("Escape")
    reading.ready(2)
    reading.press("u", "ArrowRight", "ArrowDown", "x", "Enter")
    reading.ready(2)
    reading.saved()
    assert reading.ratings() == [(0, 0, answers(-2, 0)), (0, 1, answers(-1, None))]

    for number in (2, 3, 4):
        reading.ready(number)
        reading.press("5", "5", "Enter")
    reading.ready(5)
    reading.saved()

    # A reload in the middle goes on where it was, and what was rated can still be changed.
    page.reload()
    reading.ready(5)
    reading.press("u")
    expect(page.locator("fieldset[name=preference] input:checked")).to_have_value("1")
    reading.press("Escape")

    # Without a connection the rating is kept, the next case is at hand, and a reload does not lose it.
    reading.ready(5)
    reading.context.set_offline(True)
    reading.press("7", "6", "Enter")
    expect(page.locator(".offline")).to_contain_text("1 rating is kept in this browser")
    reading.ready(6)
    assert len(reading.ratings()) == 5
    reading.press("1", "1", "Enter")
    expect(page.get_by_role("heading", name="Saving")).to_be_visible()
    reading.context.set_offline(False)
    reading.ready(7)
    reading.saved()
    assert reading.ratings()[-2:] == [(4, 0, answers(3, 2)), (5, 0, answers(-3, -3))]

    for number in (7, 8, 9, 10):
        reading.ready(number)
        reading.press("4", "4", "Enter")
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    kept = reading.ratings()
    assert sorted({position for position, _, _ in kept}) == list(range(10))
    assert len(kept) == 11  # ten cases and one revision


def test_ratings_that_the_server_missed_arrive_after_it_is_back(tmp_path: Path, browser: Browser):
    """The server dies before the rating, the page is closed, and another window of the browser sends it."""
    store = small_study(tmp_path / "one", small_protocol("pair"))
    token = invite(store, "owner")[1]
    context = browser.new_context(service_workers="block")
    port = free_port()
    with serving(tmp_path, port) as address:
        reading = Reading(store, context, address, token)
        reading.start()
        reading.ready(1)
    reading.press("3", "3", "Enter")
    expect(reading.page.locator(".offline")).to_be_visible()
    assert reading.ratings() == []
    reading.page.close()
    with serving(tmp_path, port):
        reading.page = reading.open()
        reading.ready(2)
        reading.saved()
        assert reading.ratings() == [(0, 0, answers(-1, -1))]
    context.close()


def test_playback_and_zoom(reading: Reading):
    page = reading.page
    reading.start()
    reading.ready(1)
    reading.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    frame = page.locator(".frame")
    first = int((frame.text_content() or "").split("/")[0])
    reading.press(".")
    expect(frame).to_have_text(f"{first % FRAMES + 1} / {FRAMES}")
    reading.press(",", ",")
    expect(frame).to_have_text(f"{(first - 2) % FRAMES + 1} / {FRAMES}")
    reading.press("+", "+")
    expect(page.locator(".zoom")).to_have_text("156 %")
    reading.press("0")
    expect(page.locator(".zoom")).to_have_text("100 %")
    # Both panes are parts of one frame: the bar that moves is at the same place in both.
    bars = page.evaluate("""() => [...document.querySelectorAll('canvas')].map((canvas) => {
      const row = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1).data;
      const left = Array.from({ length: canvas.width }, (_, x) => row[4 * x]);
      return left.findIndex((level, x) => left[x - 1] > 60 && level < 60);
    })""")
    assert len(bars) == 2
    assert abs(bars[0] - bars[1]) < 20  # a frame moves it by some 60


def test_a_link_that_leads_nowhere_says_so(reading: Reading):
    reading.link = reading.link[:-4] + "AAAA"
    reading.page = reading.open()
    expect(reading.page.get_by_role("heading", name="This link cannot be used")).to_be_visible()
