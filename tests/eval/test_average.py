"""The average of two checkpoints: each weight lies between theirs, and different architectures are refused."""

from dataclasses import replace

import pytest
import torch

from echogan.core.errors import EchoGANError
from echogan.model.checkpoints.checkpoint import CheckpointConfig, read_checkpoint, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator, build_generators
from eval.average import AverageSettings, main

SMALL = GeneratorConfig(channels=4, blocks=1)


@pytest.fixture
def folders(tmp_path):
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        config = CheckpointConfig(name=name, generator=SMALL, license=f"L-{name}")
        save_checkpoint(tmp_path / name, config, build_generator(SMALL), build_generator(SMALL))
    return tmp_path


def test_weights_are_mixed_by_share_and_settings_are_the_second_one_s(folders):
    main(AverageSettings(folders / "one", folders / "two", folders / "mean", share=0.25, low_share=1.0))
    one, two, mean = (read_checkpoint(folders / name) for name in ("one", "two", "mean"))
    for side, share in (("to_high", 0.25), ("to_low", 1.0)):
        weights = (getattr(c, side).state_dict().values() for c in (one, two, mean))
        for a, b, m in zip(*weights, strict=True):
            assert torch.allclose(m, share * a + (1 - share) * b, atol=2e-3)  # kept in half precision
    assert (mean.config.name, mean.config.license) == ("mean", "L-two")
    assert mean.config.training["averaged"] == {
        "with": "one",
        "sha256": one.sha256,
        "share": {"to_high": 0.25, "to_low": 1.0},
    }


def test_different_checkpoints_and_impossible_shares_are_refused(folders):
    with pytest.raises(EchoGANError, match="from 0 to 1"):
        main(AverageSettings(folders / "one", folders / "two", folders / "mean", share=1.5))
    other = replace(read_checkpoint(folders / "two").config, name="other", canonical_grey=True)
    save_checkpoint(folders / "other", other, build_generator(SMALL), build_generator(SMALL))
    with pytest.raises(EchoGANError, match="differ"):
        main(AverageSettings(folders / "one", folders / "other", folders / "mean"))


def test_a_side_taken_whole_may_see_another_number_of_frames(folders):
    several = replace(SMALL, frames=3)
    to_high, to_low = build_generators(several)
    save_checkpoint(folders / "three", CheckpointConfig(name="three", generator=several), to_high, to_low)
    settings = AverageSettings(
        folders / "three",
        folders / "two",
        folders / "mean",
        share=1.0,
        low_share=0.0,
        gain=1.5,
        haze_gain=0.3,
        caution=0.25,
        dark_level=0.1,
        keep_walls=0.75,
    )
    main(settings)
    two, three, mean = (read_checkpoint(folders / name) for name in ("two", "three", "mean"))
    assert mean.config.generator.frames == 3
    assert mean.config.applied == {
        "gain": 1.5, "haze_gain": 0.3, "caution": 0.25, "dark_level": 0.1, "keep_walls": 0.75
    }  # fmt: skip
    assert all(map(torch.equal, mean.to_high.parameters(), three.to_high.parameters()))
    assert all(map(torch.equal, mean.to_low.parameters(), two.to_low.parameters()))
    with pytest.raises(EchoGANError, match="differ in their generators"):
        main(replace(settings, share=0.5))  # the first sees more frames than the second


def test_a_network_of_one_frame_is_averaged_with_one_of_several(folders):
    several = replace(SMALL, frames=3)
    save_checkpoint(
        folders / "three", CheckpointConfig(name="three", generator=several), *build_generators(several)
    )
    main(AverageSettings(folders / "one", folders / "three", folders / "mean", share=0.25))
    one, three, mean = (read_checkpoint(folders / name).to_high for name in ("one", "three", "mean"))
    first, second, mixed = (net.state_dict()["stem.1.weight"] for net in (one, three, mean))
    assert torch.allclose(mixed[:, :4], 0.75 * second[:, :4], atol=2e-3)
    assert torch.allclose(mixed[:, 4:8], 0.25 * first + 0.75 * second[:, 4:8], atol=2e-3)
