"""What the card's numbers are compared with: the same numbers of simulated clips, and features of those clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from echogan.trust.maps.novelty import novelty, p_value, reference_novelty

LEAST = 20  # clips that a percentile or a p-value needs
FEATURES = "features"


@dataclass(frozen=True, eq=False)
class Reference:
    """Numbers and features of reference clips.

    numbers    name of a finding -> its values, ascending, float (n,)
    features   float32 (n, d), one row a clip
    """

    numbers: Mapping[str, np.ndarray]
    features: np.ndarray

    @classmethod
    def of(cls, numbers: Sequence[Mapping[str, float | None]], features: Sequence[np.ndarray]) -> Reference:
        """The reference of clips, given the numbers of each by name and its features (d,).

        Numbers that are None do not count.
        """
        names = dict.fromkeys(name for one in numbers for name in one)
        values = {name: [v for one in numbers if (v := one.get(name)) is not None] for name in names}
        return cls(
            {name: np.sort(np.array(found, np.float64)) for name, found in values.items() if found},
            np.stack(features).astype(np.float32),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Reference:
        """What `arrays` gave."""
        return cls({name: a for name, a in arrays.items() if name != FEATURES}, arrays[FEATURES])

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays by name, to be stored."""
        return {**self.numbers, FEATURES: self.features}

    def percentile(self, name: str, value: float) -> float | None:
        """How many of 100 reference clips have a lower value, ties counted half; None where there are too few clips."""
        known = self.numbers.get(name)
        if known is None or len(known) < LEAST:
            return None
        below, upto = np.searchsorted(known, value, "left"), np.searchsorted(known, value, "right")
        return float(100 * (below + upto) / (2 * len(known)))

    def p_value(self, features: np.ndarray) -> float | None:
        """The conformal p-value of a clip with these features (d,); None where they cannot be compared."""
        if len(self.features) < LEAST or self.features.shape[1:] != features.shape:
            return None
        return p_value(float(novelty(features[None], self.features)[0]), self._distances)

    @cached_property
    def _distances(self) -> np.ndarray:
        return reference_novelty(self.features)
