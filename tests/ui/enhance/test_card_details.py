"""The trust card on the page says what the report, the page to print and the PDF say, number by number."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from fake_flagger import Spots
from pdf_text import pdf_text

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.exports import ExportRequest, make_export
from echogan.enhance.result_stages import store_result
from echogan.enhance.stored_result import StoredResult
from echogan.ui.enhance.card_details import card_details

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> StoredResult:
    enhancer = Enhancer(checkpoint(Scale(0.6)), EnhanceSettings(device="cpu", working_size=64))
    prepared = enhancer.prepare(clip_of(speckle(9)), fan_sector())
    return store_result(enhancer, prepared, tmp_path_factory.mktemp("result"), Spots())


def test_all_forms_have_the_same_numbers_and_words(stored, tmp_path):
    sent = json.loads(json.dumps(card_details(stored)))

    def made(kind) -> bytes:
        request = ExportRequest(stored, kind, 1.0, mark=True, blackout=False, stem="a")
        return make_export(request, tmp_path).read_bytes()

    report = json.loads(made("report"))["trust"]
    assert sent["findings"] == [
        {key: one[key] for key in ("name", "label", "text", "sentence", "compared")}
        for one in report["findings"]
    ]
    assert (sent["covers"], sent["does_not_cover"]) == tuple(report["guarantee"].values())
    page = " ".join(unescape(re.sub(r"<[^>]+>", " ", made("card_page").decode())).split())
    pdf = " ".join(pdf_text(made("card_pdf")).split())
    values = [one["text"] for one in sent["findings"] if one["text"]]
    assert len(values) >= 3
    for text in (*values, *(one["label"] for one in sent["findings"])):
        assert text in page
        assert text in pdf


def test_there_is_none_while_it_is_not_made(stored):
    assert card_details(None) is None
    assert card_details(replace(stored, report=replace(stored.report, trust={}))) is None
