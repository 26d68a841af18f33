"""The trust card of a clip: passes, places, flags, and that report, page and PDF have the same numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from pdf_text import pdf_text

from echogan.core.errors import OutputError
from echogan.core.geometry import Fan
from echogan.enhance.calibrated import Calibrated
from echogan.enhance.card_files import card_paths
from echogan.enhance.card_maker import CardMaker, pixel_mm2, working_fan
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.model.checkpoints.checkpoint import CheckpointConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.trust.calibration import Calibration
from echogan.trust.card.reference import Reference

torch.set_num_threads(1)
CPU = EnhanceSettings(device="cpu", working_size=64, batch_size=4)


class Counting(Scale):
    """Counts the frames that it is given."""

    frames = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.frames += len(x)
        return super().forward(x[:, x.shape[1] // 2 :][:, :1])


def made(settings=CPU, model=None, frames=10, calibrated=None):
    """The maker after a clip of that many frames, in which a square is flagged as removed."""
    enhancer = Enhancer(model or checkpoint(Scale(0.5), Scale(1.5)), settings)
    prepared = enhancer.prepare(clip_of(speckle(frames)), fan_sector())
    diagnoses, maker = Diagnoses(prepared.space), CardMaker(enhancer, prepared, calibrated)
    for chunk in enhancer.run(prepared):
        removed, invented = np.zeros((2, *chunk.x.shape), np.float32)
        removed[:, 30:44, 20:34] = 0.9
        maker.add(chunk, diagnoses.add(chunk), (removed, invented))
    return maker


@pytest.mark.parametrize(("mode", "passes"), [("fast", 2), ("full", 12)])
def test_passes_of_the_generators_a_frame(mode, passes):
    to_high, to_low = Counting(0.5), Counting(1.5)
    made(replace(CPU, trust=mode), checkpoint(to_high, to_low))
    assert to_high.frames + to_low.frames <= passes * 10
    assert (to_high.frames + to_low.frames == 20) is (mode == "fast")


def test_full_mode_of_a_generator_that_sees_neighbours():
    # Halving commutes with shifts, so that only gamma and noise spread the results; halved twice, half is lost.
    config = CheckpointConfig(name="fake", generator=GeneratorConfig(frames=3))
    model = replace(checkpoint(Counting(0.5), Scale(1.5)), config=config)
    card = made(replace(CPU, trust="full"), model).card()
    assert 0 < card.finding("spread").value < 0.05
    assert 0.01 < card.finding("idempotence").value < 0.3
    assert card.mode == "full"


def test_batches_change_no_number():
    one, other = (made(replace(CPU, batch_size=size)).card() for size in (3, 10))
    for a, b in zip(one.findings, other.findings, strict=True):
        assert a.text == b.text
        assert a.value is b.value is None or a.value == pytest.approx(b.value, rel=1e-4)


def test_flags_reach_the_card():
    calibration = Calibration(
        generator="ab" * 32, fusion="", amber=0.4, red=0.8, clips={"faithful": 100}, phantom="1.2.0", errors="",
        date="2026-01-31",
    )  # fmt: skip
    maker = made(calibrated=Calibrated(calibration, Reference({}, np.empty((0, 0), np.float32))))
    card = maker.card()
    assert card.finding("removed").value > 0
    assert card.finding("largest_region_px").sentence.startswith("Removed, far field")
    assert "100 simulated clips" in card.guarantee.covers[0]
    assert maker.picture().ndim == 3


def test_the_fan_and_the_pixels_of_the_working_space():
    enhancer = Enhancer(checkpoint(Scale(0.5)), CPU)
    clip = replace(clip_of(speckle(1)), spacing_mm=(0.5, 0.5))
    prepared = enhancer.prepare(clip, fan_sector())
    fan, space = working_fan(prepared), prepared.space
    overlap = fan.mask(*space.size) & space.mask
    assert overlap.sum() > 0.97 * max(fan.mask(*space.size).sum(), space.mask.sum())
    whole = pixel_mm2(prepared) * space.size[0] * space.size[1]
    assert whole == pytest.approx(0.25 * space.box_size[0] * space.box_size[1])
    assert pixel_mm2(enhancer.prepare(clip_of(speckle(1)), fan_sector())) is None


def test_an_upside_down_clip_has_the_same_card():
    frames = speckle(6)
    enhancer = Enhancer(checkpoint(Scale(0.5), Scale(1.5)), CPU)
    found = []
    for turned in (False, True):
        sector = fan_sector()
        if turned:
            sector = replace(
                sector,
                tissue_mask=sector.tissue_mask[::-1].copy(),
                overlay_mask=sector.overlay_mask[::-1].copy(),
                fan=Fan.upside_down(sector.fan, len(frames[0])),
            )
        shown = frames[:, ::-1].copy() if turned else frames
        prepared = enhancer.prepare(clip_of(shown), sector)
        diagnoses, maker = Diagnoses(prepared.space), CardMaker(enhancer, prepared)
        for chunk in enhancer.run(prepared):
            maker.add(chunk, diagnoses.add(chunk))
        found.append(maker.numbers())
    assert found[0].shadow == pytest.approx(found[1].shadow, abs=0.01)
    np.testing.assert_allclose(found[0].features, found[1].features, rtol=1e-3, atol=1e-4)


def test_report_page_and_pdf_have_the_same_numbers(tmp_path):
    outputs = Outputs(report=tmp_path / "r.json", trust_card=tmp_path / "card.html")
    enhance_file(clip_of(speckle(10)), outputs, checkpoint(Scale(0.5), Scale(1.5)), CPU, fan_sector())
    card = json.loads((tmp_path / "r.json").read_text())["trust"]
    page, document = (tmp_path / "card.html").read_text(), pdf_text((tmp_path / "card.pdf").read_bytes())
    texts = [finding["text"] for finding in card["findings"] if finding["text"]]
    assert len(texts) >= 3
    for text in texts:
        assert f">{text}<" in page
        assert text in document
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.html", "card.pdf", "r.json"]


def test_a_card_needs_a_name_that_fits(tmp_path):
    assert card_paths(tmp_path / "a.pdf") == (tmp_path / "a.html", tmp_path / "a.pdf")
    with pytest.raises(OutputError, match=r"\.html and \.pdf"):
        Outputs(trust_card=tmp_path / "card.txt").check(tmp_path / "in.gif")
