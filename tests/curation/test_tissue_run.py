"""One file of an archive: the tissue at its known place, grey and without text, or the reason why it is left out."""

import errno
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_samples import region, save, ultrasound
from PIL import Image
from toy_archive import FAN, HEIGHT, WIDTH, heart, save_npz, save_png

from echogan.clips.formats import stills
from echogan.core.geometry import Fan
from echogan.curation.duplicates import CLIP_RADIUS, STILL_RADIUS, Seen, print_of
from echogan.curation.settings import ExamineSettings, LeftOut, Reason
from echogan.curation.tissue_run import TissueRun, examine, patient_of

SETTINGS = ExamineSettings(frames=4, size=256)
INSIDE = FAN.mask(HEIGHT, WIDTH)


def colour(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames[..., None], 3, -1)


def left_out(path: Path) -> Reason:
    with pytest.raises(LeftOut) as left:
        examine(path, SETTINGS)
    return left.value.reason


def bits(a: TissueRun, b: TissueRun) -> float:
    return float(np.bitwise_count(a.prints ^ b.prints).sum(1).mean())


def test_the_fan_lands_where_it_must(tmp_path):
    frames = heart(1)
    frames[:, 5:14, 2:60] = 255  # a name beside the fan
    run = examine(save_npz(tmp_path / "a.npz", frames, spacing_mm=(0.5, 0.5)), SETTINGS)
    assert run.frames.shape == (4, 256, 256)
    assert run.frames.dtype == np.uint8
    # The fan's box is about columns 17 to 171 (155 wide), rows 12 to 140 (129 high): the width becomes 256.
    scale = 256 / 155
    assert run.scale == pytest.approx(scale, rel=0.02)
    assert run.fan[4:] == pytest.approx([FAN.r_min * scale, FAN.r_max * scale], abs=3)
    assert run.fan[2:4] == pytest.approx([-36, 36], abs=0.7)
    assert run.fan[0] == pytest.approx((94 - 17 + 0.5) * scale - 0.5, abs=2)
    top = (256 - 129 * scale) / 2
    assert run.fan[1] == pytest.approx((8 - 12 + 0.5) * scale - 0.5 + top, abs=2.5)
    x, y, *rest = (float(v) for v in run.fan)
    there = Fan((x, y), *rest).mask(256, 256)
    assert (there & run.mask).sum() / (there | run.mask).sum() > 0.97
    assert not run.frames[:, ~run.mask].any()
    assert run.spacing_mm == 0.5
    assert run.text_sure
    # The run is the four frames about the middle, each brought over whole: levels agree with a plain resize.
    middle = frames[2 + 2]
    wanted = cv2.resize(middle[12:141, 17:172], (256, 213), interpolation=cv2.INTER_LINEAR).astype(float)
    core = cv2.erode(run.mask.astype(np.uint8), np.ones((9, 9)))[21:234] > 0
    got = run.frames[2, 21:234].astype(float)
    assert np.corrcoef(got[core], wanted[core])[0, 1] > 0.9


def test_the_rim_does_not_fade_into_the_black(tmp_path):
    flat = np.where(INSIDE, 150, 0).astype(np.uint8)
    run = examine(save_png(tmp_path / "flat.png", flat), SETTINGS)
    core = cv2.erode(run.mask.astype(np.uint8), np.ones((5, 5))) > 0
    assert (run.frames[0][core] == 150).all()
    assert np.median(run.frames[0][run.mask & ~core]) > 140
    assert len(run.frames) == 1
    assert not run.text_sure


def test_squeezed_frames_become_round(tmp_path):
    frames = np.stack(
        [cv2.resize(f, (WIDTH * 2 // 3, HEIGHT), interpolation=cv2.INTER_AREA) for f in heart(2)]
    )
    run = examine(save_npz(tmp_path / "a.npz", frames), SETTINGS)
    assert run.fan[2:4] == pytest.approx([-36, 36], abs=2.5)
    x, y, *rest = (float(v) for v in run.fan)
    there = Fan((x, y), *rest).mask(256, 256)
    assert (there & run.mask).sum() / (there | run.mask).sum() > 0.95


def test_a_clip_upside_down_is_turned(tmp_path):
    run = examine(save_npz(tmp_path / "a.npz", heart(1)), SETTINGS)
    turned = examine(save_npz(tmp_path / "b.npz", np.ascontiguousarray(heart(1)[:, ::-1])), SETTINGS)
    assert turned.fan == pytest.approx(run.fan, abs=5)
    both = run.mask & turned.mask
    assert both.sum() > 0.95 * run.mask.sum()
    assert np.corrcoef(run.frames[0][both], turned.frames[0][both])[0, 1] > 0.9


def with_flow(tinted: bool = False) -> np.ndarray:
    frames = colour(heart(3)).astype(np.float32)
    if tinted:
        frames *= (1.0, 0.8, 0.5)
    for t in range(3, 6):  # a jet of a few frames, as flow comes and goes
        frames[t, 70:90, 80:100] = (220, 30, 10) if t % 2 else (10, 60, 230)
    return frames.astype(np.uint8)


def test_colour_doppler_is_left_out(tmp_path):
    assert left_out(save_npz(tmp_path / "plain.npz", with_flow())) is Reason.COLOUR
    assert left_out(save_npz(tmp_path / "tinted.npz", with_flow(tinted=True))) is Reason.COLOUR
    assert left_out(save_png(tmp_path / "still.png", with_flow()[4])) is Reason.COLOUR


def test_a_tint_and_a_coloured_trace_are_no_doppler(tmp_path):
    tinted = (colour(heart(3)) * np.array([1.0, 0.8, 0.5])).astype(np.uint8)
    kept = examine(save_npz(tmp_path / "tinted.npz", tinted), SETTINGS)
    assert kept.mask.mean() > 0.35
    traced = colour(heart(3))
    for x in range(20, 170):  # an ECG across the fan
        y = 120 + round(8 * np.sin(x / 5))
        traced[:, y : y + 2, x] = (0, 255, 0)
    kept = examine(save_npz(tmp_path / "ecg.npz", traced), SETTINGS)
    # The trace is no tissue: neither in the mask nor in the frames.
    holes = cv2.morphologyEx(kept.mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((25, 25))) - kept.mask
    assert holes.sum() > 300
    assert not kept.frames[:, ~kept.mask].any()


def m_mode(frames: int) -> np.ndarray:
    """Wavy horizontal layers that scroll to the left, in a rectangle."""
    y, x = np.mgrid[0:120, 0 : 180 + 6 * frames]
    speckle = np.random.default_rng(0).rayleigh(0.8, y.shape)
    layers = 60 + 55 * np.sin((y + 8 * np.sin(x / 17) * np.sin(y / 40)) / 6)
    strip = np.clip(layers * speckle, 0, 255).astype(np.uint8)
    clip = np.zeros((frames, HEIGHT, WIDTH), np.uint8)
    for t in range(frames):
        clip[t, 20:140, 5:185] = strip[:, 6 * t : 6 * t + 180]
    return clip


def test_m_mode_is_left_out(tmp_path):
    assert left_out(save_npz(tmp_path / "scrolls.npz", m_mode(8))) is Reason.STRIP
    assert left_out(save_png(tmp_path / "still.png", m_mode(1)[0])) is Reason.STRIP
    swept = np.repeat(m_mode(1), 8, 0)
    new = m_mode(9)[8]
    for t in range(8):  # redrawn from left to right
        swept[t:, :, 5 + 20 * t : 25 + 20 * t] = new[:, 5 + 20 * t : 25 + 20 * t]
    assert left_out(save_npz(tmp_path / "sweeps.npz", swept)) is Reason.STRIP


def test_what_is_not_enough_is_left_out(tmp_path):
    dark = (heart(4) // 40).astype(np.uint8)
    assert left_out(save_npz(tmp_path / "dark.npz", dark)) is Reason.BLACK
    assert left_out(save_png(tmp_path / "black.png", np.zeros((90, 90), np.uint8))) is Reason.BLACK
    small = np.stack([cv2.resize(f, (80, 64), interpolation=cv2.INTER_AREA) for f in heart(5)])
    assert left_out(save_npz(tmp_path / "small.npz", small)) is Reason.TOO_SMALL
    noise = np.random.default_rng(0).integers(0, 255, (6, 90, 90), np.uint8)
    assert left_out(save_npz(tmp_path / "noise.npz", noise)) is Reason.NO_FAN
    both = np.concatenate([heart(6), np.zeros((8, HEIGHT, 12), np.uint8), heart(7)], 2)
    assert left_out(save_npz(tmp_path / "two.npz", both)) is Reason.SEVERAL


def test_files_that_are_no_clips(tmp_path):
    (tmp_path / "a.txt").write_text("notes")
    assert left_out(tmp_path / "a.txt") is Reason.NOT_A_CLIP
    (tmp_path / "empty.dcm").touch()
    assert left_out(tmp_path / "empty.dcm") is Reason.NOT_A_CLIP
    np.savez(tmp_path / "weights.npz", weights=np.zeros(3))
    assert left_out(tmp_path / "weights.npz") is Reason.NOT_A_CLIP
    assert left_out(save_npz(tmp_path / "float.npz", np.zeros((3, 9, 9)))) is Reason.UNREADABLE
    whole = save_png(tmp_path / "cut.png", heart(1)[0]).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert left_out(tmp_path / "cut.png") is Reason.UNREADABLE
    assert left_out(tmp_path / "gone.png") is Reason.NOT_OPENED
    path = save_png(tmp_path / "a.png", heart(1)[0])
    with pytest.raises(LeftOut) as left:
        examine(path, ExamineSettings(limits=type(SETTINGS.limits)(max_pixels_per_frame=100)))
    assert left.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (OSError(errno.EIO, "Input/output error"), Reason.NOT_OPENED),
        (OSError(errno.ESTALE, "Stale file handle"), Reason.NOT_OPENED),
        (OSError("image file is truncated"), Reason.UNREADABLE),
        (OSError(errno.EINVAL, "a seek to before the start"), Reason.UNREADABLE),
        (MemoryError(), Reason.FAILED),
        (IndexError(), Reason.UNREADABLE),
    ],
)
def test_trouble_of_the_machine_is_no_fault_of_the_file(tmp_path, monkeypatch, trouble, reason):
    """A share that drops out for a minute must not leave clips out for ever."""

    def fail(*_, **__):
        raise trouble

    monkeypatch.setattr(stills.Image, "open", fail)
    found = left_out(save_png(tmp_path / "a.png", heart(1)[0]))
    assert found is reason
    assert found.lasting == (reason is Reason.UNREADABLE)


HALF, WHOLE = (0, 0, HEIGHT // 2, WIDTH - 1), (0, 0, HEIGHT - 1, WIDTH - 1)


@pytest.mark.parametrize(
    ("regions", "reason"),
    [
        ([region(WHOLE, 1, 1), region((40, 40, 80, 80), 1, 2)], Reason.COLOUR),
        ([region(WHOLE, 3, 3)], Reason.STRIP),
        ([region(WHOLE, 2, 1)], Reason.STRIP),
        ([region(WHOLE, 4, 0)], Reason.STRIP),
        ([region(HALF, 1, 1), region((HEIGHT // 2 + 1, 0, HEIGHT - 1, WIDTH - 1), 3, 3)], Reason.SEVERAL),
        ([region((0, 0, 149, 90), 1, 1), region((0, 91, 149, 189), 1, 1)], Reason.SEVERAL),
    ],
)
def test_the_regions_of_dicom_decide(tmp_path, regions, reason):
    ds = ultrasound(heart(1), SequenceOfUltrasoundRegions=regions)
    assert left_out(save(ds, tmp_path / "a.dcm")) is reason


def test_dicom_gives_patient_and_spacing(tmp_path):
    item = region(WHOLE, 1, 1, delta=0.04)
    item.PhysicalDeltaY = 0.04
    path = save(ultrasound(heart(1), SequenceOfUltrasoundRegions=[item], PatientID=" P 7 "), tmp_path / "a")
    run = examine(path, SETTINGS)
    assert run.spacing_mm == pytest.approx(0.4)
    assert patient_of(path) == "P 7"
    assert patient_of(save_png(tmp_path / "a.png", heart(1)[0])) == ""
    ct = save(ultrasound(heart(1), Modality="CT"), tmp_path / "ct.dcm")
    assert left_out(ct) is Reason.NOT_TISSUE


def test_prints_know_a_clip_again_and_no_other(tmp_path):
    original = examine(save_npz(tmp_path / "a.npz", heart(1)), SETTINGS)
    worse = []
    for frame in heart(1):
        packed = io.BytesIO()
        Image.fromarray(frame).resize((171, 135)).save(packed, "JPEG", quality=60)
        worse.append(np.asarray(Image.open(packed)))
    again = examine(save_npz(tmp_path / "b.npz", np.stack(worse)), SETTINGS)
    other = examine(save_npz(tmp_path / "c.npz", heart(2)), SETTINGS)
    assert bits(original, again) <= CLIP_RADIUS < bits(original, other) / 2
    seen = Seen()
    assert seen.find(again.prints) is None
    seen.add("first", original.prints)
    assert seen.find(again.prints) == "first"
    assert seen.find(other.prints) is None
    assert seen.find(original.prints[:1]) is None  # a still is not the clip


def test_two_phases_of_one_heart_are_no_duplicates():
    frames = heart(1)
    prints = print_of(
        np.stack([cv2.resize(f, (256, 256)) for f in frames]),
        cv2.resize(INSIDE.astype(np.uint8), (256, 256)) > 0,
    )
    assert np.bitwise_count(prints[0] ^ prints[2]).sum() > STILL_RADIUS
    seen = Seen()
    for i in range(200):  # many more than the first capacity
        seen.add(str(i), np.random.default_rng(i).integers(0, 2**63, (1, 4)).astype(np.uint64))
    assert seen.find(np.random.default_rng(137).integers(0, 2**63, (1, 4)).astype(np.uint64)) == "137"
