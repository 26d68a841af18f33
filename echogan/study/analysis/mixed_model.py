"""The difference by a mixed model with crossed random readers and patients, for incomplete crossing.

d_jk = mean + reader_j + patient_k + error, by restricted maximum likelihood (REML). Readers and patients with more
ratings count more, unlike in the MRMC difference; with all readers reading all patients both are the same.

Sources: Patterson and Thompson, Biometrika 58:545 (1971), REML. Satterthwaite, Biometrics Bull 2:110 (1946), degrees
of freedom. Searle, Casella and McCulloch, Variance Components (1992), section 6.6, the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from echogan.study.analysis.estimate import Estimate, absent, t_interval


@dataclass(frozen=True)
class VarianceComponents:
    """Variances of the differences, in squared points of the item; None where no reader or patient repeats."""

    reader: float | None
    patient: float | None
    error: float


def reml_mean(values: np.ndarray) -> tuple[Estimate, VarianceComponents | None]:
    """The mean and the variance components. values: float (J, K), reader by patient; NaN where there is none."""
    readers, patients = np.nonzero(~np.isnan(values))
    y = values[readers, patients]
    indices = {"reader": readers, "patient": patients}
    factors = {name: index for name, index in indices.items() if 1 < len(np.unique(index)) < len(index)}
    if len(y) < 3 or not factors:
        return absent("Too few ratings for a mixed model.", float(y.mean()) if len(y) else None), None
    if np.ptp(y) <= 1e-12:
        return absent("All differences are equal: no mixed model.", float(y[0])), None
    model = _Model(y, list(factors.values()))
    mean, variance, components, error = model.fit()
    if error <= 1e-12 * y.var():
        return absent(
            "The differences have no error beside readers and patients: no mixed model.", mean
        ), None
    found = dict(zip(factors, components, strict=True))
    variances = VarianceComponents(found.get("reader"), found.get("patient"), error)
    return t_interval(mean, variance**0.5, model.degrees_of_freedom(), "REML, Satterthwaite."), variances


class _Model:
    """V = error (I + sum of ratio_i Z_i Z_i'). Everything is computed from sums over readers and patients."""

    def __init__(self, y: np.ndarray, factors: list[np.ndarray]) -> None:
        self.center = float(y.mean())  # subtracted, so that squares stay exact
        y = y - self.center
        columns = [np.eye(index.max() + 1)[index] for index in factors]
        columns = [z[:, z.any(0)] for z in columns]
        z = np.concatenate(columns, 1)
        ends = np.cumsum([part.shape[1] for part in columns])
        self.parts = [slice(end - part.shape[1], end) for end, part in zip(ends, columns, strict=True)]
        self.n, self.zz, self.z1, self.zy = len(y), z.T @ z, z.sum(0), z.T @ y
        self.y1, self.yy = float(y.sum()), float(y @ y)
        self.ratios = np.ones(len(columns))

    def _solve(self, ratios: np.ndarray) -> None:
        """Set what follows from the ratios of the variances to the error: P = H^-1 - H^-1 1 1' H^-1 / 1' H^-1 1."""
        self.ratios = ratios
        roots = np.concatenate(
            [np.full(p.stop - p.start, r**0.5) for p, r in zip(self.parts, ratios, strict=True)]
        )
        inner = np.eye(len(roots)) + roots[:, None] * self.zz * roots
        inverse = roots[:, None] * np.linalg.inv(inner) * roots
        self.log_h = float(np.linalg.slogdet(inner)[1])
        self.h1 = self.z1 - self.zz @ inverse @ self.z1  # Z' H^-1 1
        hy = self.zy - self.zz @ inverse @ self.zy
        self.one = float(self.n - self.z1 @ inverse @ self.z1)  # 1' H^-1 1
        self.mean = float(self.y1 - self.z1 @ inverse @ self.zy) / self.one
        residual = self.yy - self.zy @ inverse @ self.zy - self.mean**2 * self.one
        self.residual = max(float(residual), 1e-300)  # y' P y
        self.zpy = hy - self.h1 * self.mean
        self.zpz = self.zz - self.zz @ inverse @ self.zz - np.outer(self.h1, self.h1) / self.one

    def _criterion(self, ratios: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus twice the restricted log likelihood, and its gradient by the ratios."""
        self._solve(ratios)
        value = (self.n - 1) * np.log(self.residual) + self.log_h + np.log(self.one)
        traces = np.array([np.trace(self.zpz[p, p]) for p in self.parts])
        squares = np.array([self.zpy[p] @ self.zpy[p] for p in self.parts])
        return float(value), traces - (self.n - 1) * squares / self.residual

    def fit(self) -> tuple[float, float, list[float], float]:
        """The mean, its variance, the variance of each factor, and that of the error."""
        bounds = [(0.0, 1e6)] * len(self.parts)
        options = {"ftol": 1e-15, "gtol": 1e-7, "maxiter": 1000}
        best = optimize.minimize(
            self._criterion, self.ratios, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        self._solve(np.asarray(best.x))
        error = self.residual / (self.n - 1)
        return self.mean + self.center, error / self.one, [float(r * error) for r in self.ratios], error

    def degrees_of_freedom(self) -> float:
        """Satterthwaite's 2 v² / (g' C g): v variance of the mean, g its gradient, C covariance of the components."""
        blocks = [[self.zpz[p, q] for q in self.parts] for p in self.parts]
        squared = np.array([[(block**2).sum() for block in row] for row in blocks])
        with_error = (
            np.array([np.trace(blocks[i][i]) for i in range(len(self.parts))]) - squared @ self.ratios
        )
        traces = np.array([np.trace(blocks[i][i]) for i in range(len(self.parts))])
        error = self.n - 1 - self.ratios @ traces - self.ratios @ with_error  # tr(P P)
        information = np.block([[squared, with_error[:, None]], [with_error[None], np.array([[error]])]]) / 2
        ones = np.array([self.h1[p] @ self.h1[p] for p in self.parts])
        gradient = np.append(ones, self.one - self.ratios @ ones) / self.one**2
        spread = gradient @ np.linalg.pinv(information) @ gradient
        return float(2 / self.one**2 / spread)
