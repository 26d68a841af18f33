"""What a generator sees: neighbours by time, ends repeated, and weights widened without a change."""

from dataclasses import replace

import pytest
import torch

from echogan.core.errors import SettingsError
from echogan.model.batch import Batch
from echogan.model.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.cyclegan import CycleGAN
from echogan.model.losses.loss_weights import LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.frames import OFFSETS_MS, centre, neighbours, offsets, widened
from echogan.model.networks.generators import GeneratorConfig, build_generator, build_generators

ONE = GeneratorConfig(channels=8, blocks=1)
FIVE = replace(ONE, frames=5)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def moved(config: GeneratorConfig) -> torch.nn.Module:
    """A generator that changes every pixel."""
    torch.manual_seed(0)
    net = build_generator(config).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2)
    return net


def test_neighbours_are_chosen_by_time():
    assert offsets(5, torch.tensor(20.0)).tolist() == [-8, -3, 0, 3, 8]
    assert offsets(3, torch.tensor([1000 / 60, 40.0])).tolist() == [[-4, 0, 4], [-2, 0, 2]]
    assert offsets(1, torch.tensor(20.0)).tolist() == [0]
    assert offsets(5, torch.tensor(1e-6)).abs().max() == 40  # whatever a file claims


def test_a_clips_ends_repeat():
    seen = neighbours(torch.tensor([0, 4, 9, 0]), torch.tensor([10, 10, 10, 1]), torch.full((4,), 20.0), 5)
    assert seen.tolist() == [[0, 0, 0, 3, 8], [0, 1, 4, 7, 9], [1, 6, 9, 9, 9], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize("frames", [3, 5])
@torch.no_grad()
def test_widened_weights_compute_the_same_whatever_the_neighbours_show(frames: int):
    one, several = moved(ONE), build_generator(replace(ONE, frames=frames)).eval()
    several.load_state_dict(widened(one.state_dict(), frames))
    x = random(2, frames, 32, 48)
    torch.testing.assert_close(several(x), one(centre(x)), atol=1e-5, rtol=0)
    assert (one(centre(x)) - centre(x)).abs().mean() > 0.05
    again = widened(several.state_dict(), frames)
    assert all(torch.equal(again[name], tensor) for name, tensor in several.state_dict().items())


@torch.no_grad()
def test_the_stem_sees_each_neighbour_in_its_own_channels():
    """Weights that add up one neighbour's four half-size pixels, and heads that give them out: that neighbour."""
    net = build_generator(replace(ONE, norm="none", frames=3)).eval()
    weight = torch.zeros_like(net.stem[1].weight)
    weight[0, 4 * 2 : 4 * 2 + 4, 1, 1] = 0.25  # the frame at +60 ms
    net.stem[1].weight.copy_(weight)
    net.stem[1].bias.fill_(0)
    x = random(1, 3, 64, 64).abs()  # the ReLU keeps what is positive
    skip = net.stem(torch.nn.functional.avg_pool2d(x, 2))
    torch.testing.assert_close(skip[:, :1], torch.nn.functional.avg_pool2d(x[:, 2:], 4))
    assert (skip[:, 1:] == 0).all()


@torch.no_grad()
def test_a_fresh_generator_of_several_frames_is_the_identity_on_the_middle_one():
    x = random(2, 5, 32, 32)
    assert torch.equal(build_generator(FIVE)(x), x[:, 2:3])


@torch.no_grad()
def test_a_still_is_its_own_neighbour():
    net, x = moved(FIVE), random(2, 1, 32, 32)
    assert torch.equal(net(x), net(x.repeat(1, 5, 1, 1)))
    assert (net(random(2, 5, 32, 32)) - net(centre(random(2, 5, 32, 32)))).abs().mean() > 1e-3


def test_only_the_first_layer_grows():
    counts = [
        sum(p.numel() for p in build_generator(replace(ONE, frames=n)).parameters()) for n in OFFSETS_MS
    ]
    per_frame = 9 * 4 * ONE.channels
    assert [count - counts[0] for count in counts] == [(n - 1) * per_frame for n in OFFSETS_MS]


@pytest.mark.parametrize("kind", ["resnet", "unet256"])
def test_the_authors_generators_see_one_frame(kind):
    with pytest.raises(SettingsError, match=f"frames is 3; {kind} sees 1"):
        GeneratorConfig(kind, frames=3).check()
    with pytest.raises(SettingsError, match="frames is 2; choose one of 1, 3, 5"):
        GeneratorConfig(frames=2).check()  # type: ignore[arg-type]


def test_a_checkpoint_of_several_frames_comes_back(tmp_path):
    torch.manual_seed(0)
    config = CheckpointConfig("five", generator=FIVE)
    nets = build_generators(FIVE)
    save_checkpoint(tmp_path, config, *nets)
    read = read_checkpoint(tmp_path)
    assert read.config.generator.frames == 5
    x = random(1, 5, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(read.to_high(x), nets[0](x), atol=1e-2, rtol=0)
        torch.testing.assert_close(read.to_low(x[:, :1]), nets[1](x[:, :1]), atol=1e-2, rtol=0)


def stacked() -> Batch:
    """Two frames per domain, each with four neighbours."""
    low, high, later = (random(2, 5, 64, 64, seed=seed) for seed in (1, 2, 3))
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 8:56, 16:48] = 1
    return Batch(
        centre(low), centre(high), mask, mask, centre(later),
        low_stack=low, high_stack=high, low_next_stack=later,
    )  # fmt: skip


def test_the_enhancing_generator_alone_sees_neighbours():
    torch.manual_seed(0)
    terms = dict.fromkeys(("adversarial", "cycle", "identity", "temporal"), 1.0)
    gan = CycleGAN(FIVE, DiscriminatorConfig(4), LossWeights(**terms))
    given: dict[str, list[tuple[int, float]]] = {
        "to_high": [],
        "to_low": [],
        "discriminator_high": [],
        "discriminator_low": [],
    }
    for name, calls in given.items():
        network = getattr(gan, name)
        network.register_forward_hook(
            lambda _, inputs, __, calls=calls: calls.append(
                (inputs[0].shape[1], float(inputs[0].detach().sum()))
            )
        )
    batch = stacked().black_outside()
    gan.generator_losses(batch)
    sums = [float(x.sum()) for x in (batch.low_seen, batch.high_seen, batch.low_next_seen)]  # type: ignore[union-attr]
    seen = [total for channels, total in given["to_high"] if channels == 5]
    assert sorted(seen) == pytest.approx(sorted(sums))
    assert sum(channels == 1 for channels, _ in given["to_high"]) == 1  # the cycle's degraded frame
    others = [call for name in given if name != "to_high" for call in given[name]]
    assert {channels for channels, _ in others} == {1}


def test_what_lies_outside_the_sector_influences_no_loss_through_a_neighbour():
    torch.manual_seed(0)
    gan = CycleGAN(FIVE, DiscriminatorConfig(4), LossWeights(cycle_noise=0, black_outside=True))
    torch.nn.init.normal_(gan.to_high.heads.weight, 0, 0.3)
    batch = stacked()
    assert batch.low_stack is not None
    junk = torch.where(batch.low_mask > 0, batch.low_stack, 1.0)
    with torch.no_grad():
        first, second = (gan.generator_losses(b)[0] for b in (batch, replace(batch, low_stack=junk)))
    assert first.keys() == second.keys()
    assert {name for name in first if not torch.equal(first[name], second[name])} == set()
