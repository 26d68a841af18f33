"""The card's words, and that page, PDF and JSON show the same numbers."""

import html
import json
import re

import numpy as np
import pytest
from pdf_text import pages, pdf_text

from echogan.trust.card.card import TrustCard
from echogan.trust.card.html import card_html
from echogan.trust.card.pdf import card_pdf
from echogan.trust.card.picture import AMBER, draw_picture, png, read_png
from echogan.trust.card.reference import Reference
from echogan.trust.card.words import COMMAND, make_card

MODEL = ("echogan", "ab" * 32)


@pytest.fixture
def reference():
    rng = np.random.default_rng(1)
    names = (
        "removed",
        "added",
        "red",
        "shadow",
        "hidden_walls",
        "lv_overlap",
        "lv_area",
        "ef",
        "flicker_ratio",
        "largest_region",
    )
    numbers = [dict(zip(names, rng.random(len(names)) / 10, strict=True)) for _ in range(60)]
    return Reference.of(numbers, list(rng.normal(size=(60, 6))))


@pytest.fixture
def card(drawn, sums_of, calibration, reference):
    sums = sums_of(drawn)
    return make_card(sums.numbers(), sums.picture, "fast", MODEL, calibration, reference, pixel_mm2=0.5)


def test_the_findings_in_words(card):
    assert card.finding("removed").text == "1.6 %"
    assert card.finding("added").text == "1.6 %"
    largest = card.finding("largest_region")
    assert largest.text == "128 mm²"
    assert largest.sentence.startswith(
        "Added, near field, centre of the image; frames 6 to 10 of 20, persistent"
    )
    assert card.finding("ef").text == "+0.0 points"
    assert "higher than in" in card.finding("flicker_ratio").compared
    assert card.finding("hidden").compared in ("", "no reference")
    assert card.finding("novelty").compared == ""


def test_there_is_no_single_score_and_no_claim(card):
    words = json.dumps(card.to_dict()).lower()
    assert "score" not in words
    assert "verified" not in words.replace("cannot be verified", "")


def test_the_guarantee_says_what_it_covers_and_what_not(card, calibration):
    covers = " ".join(card.guarantee.covers)
    for said in (
        "120 simulated clips",
        "phantom 1.2.0",
        "at most 10 %",
        "at most 1 %",
        "0.400",
        "0.800",
        "cdcdcdcdcdcd",
    ):
        assert said in covers
    assert "say nothing of this one alone" in " ".join(card.guarantee.does_not_cover)


def test_without_a_calibration_it_says_how_to_make_one(drawn, sums_of):
    sums = sums_of(drawn, thresholds=None)
    card = make_card(sums.numbers(), sums.picture, "fast", MODEL)
    for name in ("removed", "added", "red", "largest_region"):
        assert card.finding(name).value is None
        assert COMMAND in card.finding(name).sentence
    assert card.guarantee.covers == (f"This checkpoint has no calibration. To make one: {COMMAND}",)
    assert card.finding("novelty").value is None
    assert card.finding("shadow").compared == "no reference"


def test_pixels_stand_where_the_clip_tells_no_spacing(drawn, sums_of, calibration, reference):
    sums = sums_of(drawn)
    card = make_card(sums.numbers(), sums.picture, "fast", MODEL, calibration, reference)
    assert card.finding("largest_region_px").text == "256 px"
    assert card.finding("largest_region_px").compared == "no reference"


def test_percentiles_count_ties_half_and_need_enough_clips():
    values = [{"shadow": v} for v in [0.1] * 10 + [0.2] * 10 + [0.3] * 20]
    known = Reference.of(values, list(np.zeros((40, 2))))
    assert known.percentile("shadow", 0.2) == pytest.approx(37.5)
    assert known.percentile("shadow", 0.05) == 0
    assert known.percentile("ef", 0.2) is None
    few = Reference.of(values[:5], list(np.zeros((5, 2))))
    assert (few.percentile("shadow", 0.2), few.p_value(np.zeros(2))) == (None, None)


def test_a_reference_goes_through_arrays(reference):
    again = Reference.from_arrays(reference.arrays())
    assert again.percentile("ef", 0.05) == reference.percentile("ef", 0.05)
    assert again.p_value(np.full(6, 9.0)) == reference.p_value(np.full(6, 9.0)) == pytest.approx(1 / 61)


def test_the_card_goes_through_json(card):
    assert TrustCard.from_dict(json.loads(json.dumps(card.to_dict()))) == card


def test_page_pdf_and_json_show_the_same(card, drawn, sums_of):
    picture = draw_picture(sums_of(drawn).picture, (0.4, 0.8))
    page = html.unescape(re.sub(r"<[^>]+>", " ", card_html(card, png(picture))))
    document = card_pdf(card, picture)
    texts = (re.sub(r"\s+", " ", page), re.sub(r"\s+", " ", pdf_text(document)))
    stored = card.to_dict()
    for text in texts:
        for finding in stored["findings"]:
            for part in ("label", "text", "sentence", "compared"):
                if part == "label" or part == "sentence":  # lines may be broken between columns in the PDF
                    assert all(word in text for word in finding[part].split())
                else:
                    assert finding[part] in text
        for said in (
            *stored["guarantee"]["covers"],
            *stored["guarantee"]["does_not_cover"],
            stored["notice"],
        ):
            assert said in text
        assert stored["sha256"][:12] in text
    for width, height in pages(document):  # A4, in points
        assert (width, height) == pytest.approx((210 * 72 / 25.4, 297 * 72 / 25.4))
    assert len(pages(document)) == 2


def test_the_pdf_is_the_same_each_time(card, drawn, sums_of):
    picture = draw_picture(sums_of(drawn).picture, (0.4, 0.8))
    assert card_pdf(card, picture) == card_pdf(card, picture)


def test_the_page_loads_nothing_and_escapes(card, drawn, sums_of):
    picture = png(draw_picture(sums_of(drawn).picture, None))
    odd = TrustCard.from_dict(card.to_dict() | {"model": "<script>x</script>"})
    page = card_html(odd, picture)
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", page)
    assert "http" not in page


def test_the_picture_has_three_panels_contours_and_the_box(drawn, sums_of):
    shown = draw_picture(sums_of(drawn).picture, (0.4, 0.8))
    side = 64 * 6
    assert shown.shape == (side, 3 * side + 16, 3)
    panels = [shown[:, start : start + side] for start in (0, side + 8, 2 * (side + 8))]
    for panel in panels:  # the box at rows 8 to 24, columns 24 to 40, around it
        assert (panel[8 * 6 - 2, 24 * 6 : 40 * 6] == 255).all()
    assert (panels[2] == AMBER).all(-1).any()
    blue, red = panels[2][44 * 6 + 3, 14 * 6 + 3], panels[2][16 * 6 + 3, 32 * 6 + 3]
    assert blue[2] > blue[0] + 50
    assert red[0] > red[2] + 50
    np.testing.assert_array_equal(read_png(png(shown)), shown)
