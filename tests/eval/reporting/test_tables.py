"""Pages are filled from results, and stale results are found."""

import json
import re
from dataclasses import replace

import pytest

from echogan.model.checkpoints.checkpoint import describe_checkpoint
from echogan.phantom import PHANTOM_VERSION
from eval.measures import provenance
from eval.measures.provenance import enhancement_hash
from eval.paths import ROOT
from eval.reporting import stale, tables


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    monkeypatch.setattr(stale, "RESULTS", tmp_path)
    return tmp_path


def test_a_result_of_a_checkpoint_that_is_not_bundled_is_stale(results):
    (results / "stability.json").write_text(json.dumps({"models": [{"name": "my-run", "sha256": "0" * 64}]}))
    (results / "segmentation.json").write_text(
        json.dumps({"phantom": PHANTOM_VERSION + ".7", "classical": "0" * 64})
    )
    classical, model = stale.stale_results()
    assert "another classical (000000000000" in classical
    assert "my-run, which is not bundled" in model


def test_a_block_is_filled_from_its_result_and_the_rest_stays(results):
    (results / "memory.json").write_text(
        json.dumps({"frames": [200, 2000], "worst_ratio": 1.054, "outputs": {"mp4": {}, "gif": {}}})
    )
    page = "before\n<!-- memory -->\nold\n<!-- /memory -->\nafter\n"
    filled = tables.fill(page)
    assert filled.startswith("before\n<!-- memory -->\n")
    assert filled.endswith("<!-- /memory -->\nafter\n")
    assert "2,000-frame clip is at most 1.05 times that of a 200-frame clip, over 2 kinds" in filled
    assert "old" not in filled
    assert tables.fill(filled) == filled


def test_a_block_without_a_result_is_not_measured_yet(results):
    page = "<!-- memory -->\n<!-- /memory -->\n"
    assert tables.fill(page) == "<!-- memory -->\nNot measured yet.\n<!-- /memory -->\n"


def test_a_result_of_other_weights_or_another_phantom_is_stale(results):
    (results / "speed.json").write_text(json.dumps({"model": {"name": "echogan", "sha256": "0" * 64}}))
    (results / "image_quality.json").write_text(json.dumps({"phantom": "0.0"}))
    quality, speed = stale.stale_results()
    assert "another phantom (0.0" in quality
    assert "python -m eval image_quality" in quality
    assert "another echogan (000000000000" in speed


def test_every_block_of_a_page_has_a_maker():
    names = {
        name for page in tables.PAGES for name in re.findall(r"^<!-- /(\w+) -->$", page.read_text(), re.M)
    }
    assert names == set(tables.MAKERS)


def test_a_result_of_another_split_or_another_enhancer_is_stale(results):
    (results / "segmentation.json").write_text(json.dumps({"split_sha256": "0" * 64, "enhancing": "1" * 64}))
    split, enhancing = stale.stale_results()
    assert "another split (000000000000" in split
    assert "another enhancing (111111111111" in enhancing


def test_a_result_is_stale_where_a_checkpoint_that_it_names_asks_for_something_else(results, monkeypatch):
    for name in ("echogan", "echogan-camus"):
        sha256 = describe_checkpoint(ROOT / "checkpoints" / name).sha256
        made = {"models": [{"name": name, "sha256": sha256}], "enhancing": enhancement_hash({name})}
        (results / f"{name}.json").write_text(json.dumps(made))
    assert stale.stale_results() == []
    described = provenance.describe_checkpoint

    def changed(folder):
        found = described(folder)
        other = {"haze_gain": 0.7} if folder.name == "echogan" else {}
        return replace(found, config=replace(found.config, **other))

    monkeypatch.setattr(provenance, "describe_checkpoint", changed)
    (sentence,) = stale.stale_results()
    assert sentence.startswith("echogan.json was measured with another enhancing")


@pytest.mark.parametrize(
    ("constant", "names"), [("SOFT", {"echogan"}), ("HAZY", {"echogan"}), ("BLACK_LEVEL", set())]
)
def test_a_constant_of_the_enhancer_counts_where_it_is_used(monkeypatch, constant, names):
    before = enhancement_hash(names), enhancement_hash(set())
    monkeypatch.setattr(provenance, constant, 0.77)
    after = enhancement_hash(names), enhancement_hash(set())
    assert before[0] != after[0]
    assert (before[1] == after[1]) == bool(names)


def test_the_pages_are_what_the_results_say():
    for page in tables.PAGES:
        text = page.read_text()
        assert tables.fill(text) == text
