"""What a result says of the model that made it."""

from dataclasses import replace
from types import SimpleNamespace

from fake_checkpoint import Scale, checkpoint

from echogan.ui.enhance.result import badge


def test_a_license_other_than_the_projects_is_shown():
    report = SimpleNamespace(device="cpu", strength=0.5)
    own = checkpoint(Scale(1.0))
    names = [name for name, _, _ in badge(own, report)]
    assert names == ["Model", "Hash", "Device", "Strength"]
    other = replace(own, config=replace(own.config, license="CC BY-NC-SA 4.0"), revision="f" * 40)
    shown = {name: text for name, text, _ in badge(other, report)}
    assert shown["Licence"] == "CC BY-NC-SA 4.0"
    assert shown["Revision"] == "f" * 12
