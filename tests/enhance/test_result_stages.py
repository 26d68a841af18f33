"""A result is made in stages: pictures, their maps, and when all of them are there, flags and the trust card."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from fake_flagger import AMBER, RED, Spots

from echogan.core.errors import Cancelled, SettingsError
from echogan.enhance import trust_stage
from echogan.enhance.calibrated import found_in
from echogan.enhance.card_maker import CardMaker
from echogan.enhance.chunk import PreparedClip
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.exports import ExportRequest, export_kinds, make_export
from echogan.enhance.flags import FlagRecorder
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.result_stages import Listener, store_result
from echogan.enhance.result_writer import FLAG_TILES, MAP_TILES, TILES
from echogan.enhance.stored_result import StoredResult

torch.set_num_threads(1)
MODEL = checkpoint(Scale(0.7, -0.1), Scale(1.2))
COUNT = 19


def prepared_clip(batch_size: int = 2) -> tuple[Enhancer, PreparedClip]:
    enhancer = Enhancer(MODEL, EnhanceSettings(device="cpu", working_size=64, batch_size=batch_size))
    return enhancer, enhancer.prepare(clip_of(speckle(COUNT)), fan_sector())


class Heard:
    """What a listener heard, in order; every stream holds at that moment what it says."""

    def __init__(self, folder):
        self.folder, self.told, self.early = folder, [], None

    def listener(self) -> Listener:
        return Listener(
            progress=lambda done, total: self.told.append(("progress", done)),
            pictures=lambda ready: self.stream("pictures", TILES, ready),
            maps=lambda ready: self.stream("maps", MAP_TILES, ready),
            complete=self.complete,
            checked=lambda done, ready: self.stream("flags", FLAG_TILES, ready, done),
        )

    def stream(self, stage: str, name: str, ready: int, done: int | None = None) -> None:
        self.told.append((stage, ready if done is None else done))
        assert len(list(TileReader(self.folder / name))) == ready

    def complete(self, stored: StoredResult) -> None:
        self.early = stored
        self.told.append(("complete", COUNT))

    def numbers(self, stage: str) -> list[int]:
        return [number for name, number in self.told if name == stage]


def test_pictures_come_first_then_maps_and_flags_when_both_are_complete(tmp_path):
    heard = Heard(tmp_path)
    result = store_result(*prepared_clip(), tmp_path, Spots(), heard.listener())
    assert sorted(set(heard.numbers("pictures")) - {0}) == [8, 16, COUNT]
    assert sorted(set(heard.numbers("maps")) - {0}) == [8, 16, COUNT]
    for ready in (8, 16, COUNT):
        assert heard.told.index(("pictures", ready)) < heard.told.index(("maps", ready))
    stages = [name for name, _ in heard.told]
    assert (
        stages.index("flags")
        > stages.index("complete")
        > max(at for at, name in enumerate(stages) if name in ("pictures", "maps"))
    )
    assert heard.numbers("progress")[-1] == heard.numbers("flags")[-1] == COUNT
    assert 0 < result.first_s < result.seconds
    assert result.cpu_s > 0


def test_what_is_complete_can_be_used_before_the_trust_card_is_made(tmp_path):
    heard, seen = Heard(tmp_path), {}

    def complete(stored: StoredResult) -> None:
        heard.complete(stored)
        seen["frames"] = [shown for _, shown in stored.frames(0.5)]
        seen["maps"] = [maps["difference"] for maps in stored.maps()]
        seen["figure"] = stored.figure(1.0)

    result = store_result(*prepared_clip(), tmp_path, Spots(), Listener(complete=complete))
    assert heard.early is not None
    assert not heard.early.trusted
    assert result.trusted
    assert np.array_equal(seen["frames"], [shown for _, shown in result.frames(0.5)])
    assert np.array_equal(seen["maps"], [maps["difference"] for maps in result.maps()])
    assert seen["figure"] == result.figure(1.0)
    early, late = (one.report.to_dict() for one in (heard.early, result))
    assert early["trust"] == {}
    for key in early.keys() - {"trust", "timing"}:
        assert early[key] == late[key]


def refusal(request: ExportRequest) -> str:
    try:
        request.check()
    except SettingsError as error:
        return str(error)
    return ""


def test_only_what_needs_flags_or_the_trust_card_waits_for_them(tmp_path):
    heard = Heard(tmp_path)
    result = store_result(*prepared_clip(), tmp_path, Spots(), heard.listener())
    waiting = set()
    for kind in export_kinds(result):
        for keep in (False, True):
            request = ExportRequest(heard.early, kind, 1.0, mark=True, blackout=False, stem="a", keep=keep)
            replace(request, stored=result).check()
            if refusal(request):
                waiting.add((kind, keep))
    assert waiting == {(kind, True) for kind in export_kinds(result)} | {
        (kind, False) for kind in ("npz", "report", "card_page", "card_pdf")
    }


@pytest.mark.parametrize("batch_size", [1, 4, 8])
@pytest.mark.parametrize("most", [0, 400_000, 100_000_000])
def test_flags_and_card_are_those_of_one_pass_however_many_frames_wait(
    tmp_path, monkeypatch, batch_size, most
):
    monkeypatch.setattr(trust_stage, "MOST_WAITING", most)
    heard = Heard(tmp_path)
    result = store_result(*prepared_clip(batch_size), tmp_path, Spots(), heard.listener())
    enhancer, prepared = prepared_clip()
    diagnoses, maker = Diagnoses(prepared.space), CardMaker(enhancer, prepared)
    recorder, parts = FlagRecorder(AMBER, RED, prepared), []
    for chunk in enhancer.run(prepared):
        maps, found = diagnoses.add(chunk), found_in(chunk, Spots())
        hidden = maker.add(chunk, maps, found)
        parts += [
            (*one, codes) for one, codes in zip(recorder.add(maps, *found, hidden), hidden, strict=True)
        ]
    assert result.report.trust == maker.card().to_dict()
    assert np.array_equal(result.card_picture(), maker.picture())
    assert result.flags.regions == recorder.flags(result.report).regions
    tiles = list(TileReader(tmp_path / FLAG_TILES))
    assert np.array_equal(tiles, [np.concatenate(one) for one in parts])
    # The first chunks are worked on early where too many wait, and not else.
    early = [name for name, _ in heard.told].index("flags") < heard.told.index(("complete", COUNT))
    assert early == (most < 100_000_000)


def test_a_stop_before_the_trust_card_leaves_the_rest_complete(tmp_path):
    heard, cancel = Heard(tmp_path), threading.Event()

    def complete(stored: StoredResult) -> None:
        heard.complete(stored)
        cancel.set()

    with pytest.raises(Cancelled):
        store_result(
            *prepared_clip(), tmp_path, Spots(), replace(heard.listener(), complete=complete), cancel
        )
    assert heard.numbers("flags") == []
    request = ExportRequest(heard.early, "mp4", 1.0, mark=True, blackout=False, stem="a")
    assert make_export(request, tmp_path / "files").exists()
    with pytest.raises(SettingsError, match="enhance again"):
        replace(request, kind="report").check()


def test_cancelling_and_faults_are_raised(tmp_path):
    cancel = threading.Event()
    enhancer, prepared = prepared_clip()
    with pytest.raises(Cancelled):
        store_result(
            enhancer, prepared, tmp_path, None, Listener(pictures=lambda ready: cancel.set()), cancel
        )

    def full() -> None:
        raise MemoryError

    broken = replace(prepared, clip=replace(prepared.clip, decode=full))
    with pytest.raises(SettingsError, match="memory"):
        store_result(enhancer, broken, tmp_path)


def test_the_two_threads_share_the_cores_and_give_them_back(tmp_path):
    before, used = torch.get_num_threads(), []
    torch.set_num_threads(4)
    try:
        note = Listener(
            progress=lambda done, total: used.append(torch.get_num_threads()),  # the thread that enhances
            pictures=lambda ready: used.append(torch.get_num_threads()),  # the one that writes
        )
        store_result(*prepared_clip(), tmp_path, None, note)
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    assert after == 4
    assert set(used) == {2}
