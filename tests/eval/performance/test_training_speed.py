"""The cost of a training step: it trains all four networks, and the reference is the authors' CycleGAN."""

import torch

from echogan.model.cyclegan import LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from eval.performance import training_speed

torch.set_num_threads(1)


def test_a_step_moves_every_network():
    torch.manual_seed(0)
    trainee = training_speed.Trainee(
        GeneratorConfig(channels=4, blocks=1), DiscriminatorConfig(4), LossWeights()
    )
    before = {name: p.detach().clone() for name, p in trainee.gan.named_parameters()}
    trainee.step(64)
    moved = {
        name.partition(".")[0] for name, p in trainee.gan.named_parameters() if (p != before[name]).any()
    }
    assert moved == {"to_high", "to_low", "discriminator_high", "discriminator_low"}
    assert trainee.cpu_seconds(1) > 0


def test_the_reference_is_the_authors_cyclegan():
    """11.378 M parameters per generator and 2.765 M per discriminator; here it sees 1 channel, not 3."""
    reference = training_speed.reference_trainee()
    sizes = {
        name: sum(p.numel() for p in network.parameters()) for name, network in reference.gan.named_children()
    }
    assert sizes["to_high"] == sizes["to_low"] == 11_378_179
    assert sizes["discriminator_high"] == sizes["discriminator_low"] == 2_764_737 - 2 * 64 * 16
    said = reference.settings["loss"]
    assert (said["cycle"], said["identity"], said["adversarial_kind"]) == (10, 5, "lsgan")
    assert not any(
        said[name] for name in ("structure", "illumination", "anatomy", "temporal", "gradient_penalty")
    )


def test_ratios_are_medians_over_pairs(monkeypatch):
    class Clock(training_speed.Trainee):
        times = iter([1.0, 10.0, 2.0, 40.0])

        def __init__(self, *settings):
            self.settings = {}

        def step(self, size=0):
            pass

        def cpu_seconds(self, steps):
            return next(Clock.times)

    monkeypatch.setattr(training_speed, "Trainee", Clock)
    found = training_speed.compare_training(pairs=2)
    assert (found["ratio"], found["ratio_least"], found["ours_cpu_s"]) == (15.0, 10.0, 1.5)
