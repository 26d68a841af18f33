"""Errors that torch raises become sentences; others stay what they are."""

import pytest
import torch

from echogan.core.errors import TrainingError
from echogan.training.resume_checks import in_words


def test_what_is_no_user_s_doing_is_told_in_words():
    for error, words in (
        (torch.OutOfMemoryError("CUDA out of memory."), "memory did not suffice"),
        (RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly"), "ended by the system"),
    ):
        with pytest.raises(TrainingError, match=words), in_words():
            raise error
    for fault in ("shapes differ", "Caught RuntimeError in DataLoader worker process 0.\nshapes differ"):
        with pytest.raises(RuntimeError, match="shapes"), in_words():
            raise RuntimeError(fault)
