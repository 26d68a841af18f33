"""The discriminators: their outputs, how much each one sees, their norms, and the label head."""

import pytest
import torch
from torch import Tensor, nn

from echogan.core.errors import SettingsError
from echogan.model.losses.anatomy_losses import label_loss
from echogan.model.networks.discriminators import (
    LABELS,
    DiscriminatorConfig,
    DiscriminatorOutput,
    PatchDiscriminator,
    build_discriminator,
)

KINDS = ("patch", "patch70", "unet")
NORMS = ("instance", "group", "spectral", "none")


def span(discriminator: nn.Module, row: int, column: int, size: int = 256) -> tuple[int, int]:
    """Over how many rows and columns one output sees."""
    x = torch.rand(1, 1, size, size, requires_grad=True)
    discriminator(x).scores[0, 0, row, column].backward()
    assert x.grad is not None
    rows, columns = torch.nonzero(x.grad[0, 0]).T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("kind", "shape", "smaller"),
    [("patch", (14, 14), (2, 6)), ("patch70", (30, 30), (6, 14)), ("unet", (256, 256), (64, 128))],
)
def test_shape_of_the_outputs(kind, shape, smaller, norm):
    discriminator = build_discriminator(DiscriminatorConfig(4, norm, kind), labels=True)
    output = discriminator(torch.zeros(2, 1, 256, 256))
    assert output.scores.shape == (2, 1, *shape)
    assert output.labels.shape == (2, len(LABELS))
    assert (output.overall is None) if kind != "unet" else (output.overall.shape == (2, 1))
    assert discriminator(torch.zeros(1, 1, 64, 128)).scores.shape == (1, 1, *smaller)


def test_without_labels_there_is_no_head():
    for kind in KINDS:
        discriminator = build_discriminator(DiscriminatorConfig(4, kind=kind))
        assert discriminator(torch.zeros(1, 1, 64, 64)).labels is None
        assert not any("labels" in name for name in discriminator.state_dict())


def test_the_fast_patch_keeps_the_names_of_trained_runs():
    names = list(build_discriminator(DiscriminatorConfig(4)).state_dict())
    assert names == [f"body.{layer}.{part}" for layer in (1, 3, 6, 9, 12) for part in ("weight", "bias")]


@pytest.mark.parametrize(("kind", "sees"), [("patch", 140), ("patch70", 70)])
def test_each_output_sees_its_patch(kind, sees):
    discriminator = build_discriminator(DiscriminatorConfig(4, "none", kind))
    assert span(discriminator, 7, 7) == (sees, sees)


def test_patch70_is_c64_c128_c256_c512():
    layers = list(build_discriminator(DiscriminatorConfig(64, kind="patch70")).modules())
    convs = [m for m in layers if isinstance(m, nn.Conv2d)]
    assert [c.out_channels for c in convs] == [64, 128, 256, 512, 1]
    assert [c.stride[0] for c in convs] == [2, 2, 2, 1, 1]
    assert {c.kernel_size for c in convs} == {(4, 4)}
    assert sum(isinstance(m, nn.InstanceNorm2d) for m in layers) == 3
    slopes = [m.negative_slope for m in layers if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.2] * 4


def test_the_unet_tells_pixels_where_they_are_and_the_frame_as_a_whole():
    torch.manual_seed(0)
    discriminator = build_discriminator(DiscriminatorConfig(8, "none", "unet"))
    x = torch.rand(1, 1, 64, 64)
    changed = x.clone()
    changed[..., 40, 20] += 1
    moved = (discriminator(changed).scores - discriminator(x).scores).abs()[0, 0]
    assert divmod(int(moved.argmax()), 64) in [(r, c) for r in range(38, 43) for c in range(18, 23)]
    assert discriminator(changed).overall != discriminator(x).overall


@pytest.mark.parametrize("kind", KINDS)
def test_spectral_norm_bounds_every_layer(kind):
    torch.manual_seed(0)
    discriminator = build_discriminator(DiscriminatorConfig(4, "spectral", kind))
    for _ in range(60):  # the power iteration settles
        discriminator(torch.randn(1, 1, 64, 64))
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) >= 5
    for layer in layers:
        largest = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]
        assert largest == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_brightness_reaches_the_output_past_the_norms(kind, norm):
    torch.manual_seed(0)
    discriminator = build_discriminator(DiscriminatorConfig(8, norm, kind)).eval()
    x = torch.rand(1, 1, 128, 128)
    bright, dim = discriminator(x), discriminator(x * 0.5)
    assert not torch.allclose(bright.scores, dim.scores, atol=1e-4)
    if kind == "unet":
        assert not torch.allclose(bright.overall, dim.overall, atol=1e-5)


def hearts(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Discs, large or small, with the label of the third chamber planted and the others unknown."""
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    large = torch.rand(count, generator=generator) < 0.5
    radius = torch.where(large, 22.0, 12.0).view(-1, 1, 1, 1)
    frames = torch.where((y - 32) ** 2 + (x - 32) ** 2 < radius**2, 0.5, -0.5)
    labels = torch.full((count, len(LABELS)), torch.nan)
    labels[:, 2] = large.float()
    return frames + 0.2 * torch.randn(frames.shape, generator=generator), labels


@pytest.mark.parametrize("kind", KINDS)
def test_the_label_head_learns_a_planted_label(kind):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    discriminator = build_discriminator(DiscriminatorConfig(4, kind=kind), labels=True)
    adam = torch.optim.Adam(discriminator.parameters(), 3e-3)
    for _ in range(30):
        frames, labels = hearts(8, generator)
        adam.zero_grad()
        label_loss(discriminator(frames).labels, labels).backward()
        adam.step()
    frames, labels = hearts(32, generator)
    with torch.no_grad():
        right = (discriminator(frames).labels[:, 2] > 0) == (labels[:, 2] > 0.5)
    assert right.float().mean() > 0.9


def test_an_output_in_bf16_becomes_float32():
    for kind in KINDS:
        discriminator = build_discriminator(DiscriminatorConfig(8, kind=kind), labels=True)
        with torch.autocast("cpu", torch.bfloat16):
            output: DiscriminatorOutput = discriminator(torch.rand(1, 1, 64, 64))
        assert output.scores.dtype == torch.bfloat16
        parts = (output.float().scores, output.float().overall, output.float().labels)
        assert {part.dtype for part in parts if part is not None} == {torch.float32}


@pytest.mark.parametrize(
    "wrong", [{"kind": "pix"}, {"norm": "batch"}, {"filters": 2}, {"filters": 4.5}, {"filters": True}]
)
def test_what_cannot_be_built_is_refused_with_its_range(wrong):
    with pytest.raises(
        SettingsError, match=f"Discriminator {next(iter(wrong))}.*(choose one of|whole number from)"
    ):
        build_discriminator(DiscriminatorConfig(**wrong))


def test_patch_discriminator_defaults_to_the_fast_one():
    assert isinstance(PatchDiscriminator().body[0], nn.PixelUnshuffle)
