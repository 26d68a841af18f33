"""Devices: what is there is taken, what is not there is refused."""

import pytest
import torch

from echogan.core.errors import SettingsError
from echogan.enhance.device import pick_device


def test_devices():
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(SettingsError, match="There is no device 'tpu'"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="cuda is not available"):
            pick_device("cuda")
