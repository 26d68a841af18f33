"""REML against the closed forms of balanced data, against statsmodels, and where it has no answer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from statsmodels.regression.mixed_linear_model import MixedLM

from echogan.study.analysis.mixed_model import reml_mean
from echogan.study.analysis.mrmc import mrmc_mean


def drawn(readers: int, patients: int, seed: int, reader: float = 0.6, patient: float = 0.8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (readers, patients))
    return 0.3 + noise + rng.normal(0, reader, (readers, 1)) + rng.normal(0, patient, (1, patients))


def mean_squares(d: np.ndarray) -> tuple[float, float, float]:
    rows, columns = d.mean(1, keepdims=True), d.mean(0, keepdims=True)
    j, k = d.shape
    error = ((d - rows - columns + d.mean()) ** 2).sum() / ((j - 1) * (k - 1))
    return k * rows.var(ddof=1), j * columns.var(ddof=1), error


@pytest.mark.parametrize(("readers", "patients"), [(4, 30), (6, 40), (8, 12)])
def test_balanced_data_have_the_closed_form(readers: int, patients: int):
    d = drawn(readers, patients, seed=readers)
    ms = np.array(mean_squares(d))
    assert ms[:2].min() > ms[2]  # inside the boundary, where the closed form holds
    found, variances = reml_mean(d)
    assert variances.error == pytest.approx(ms[2], rel=1e-6)
    assert variances.reader == pytest.approx((ms[0] - ms[2]) / patients, rel=1e-6)
    assert variances.patient == pytest.approx((ms[1] - ms[2]) / readers, rel=1e-6)
    assert found.value == pytest.approx(d.mean(), rel=1e-9)
    assert found.se == pytest.approx((ms @ [1, 1, -1] / d.size) ** 0.5, rel=1e-6)
    assert found.se == pytest.approx(mrmc_mean(d).se, rel=1e-6)
    freedom = np.array([readers - 1, patients - 1, (readers - 1) * (patients - 1)])
    assert found.df == pytest.approx((ms @ [1, 1, -1]) ** 2 / (ms**2 / freedom).sum(), rel=1e-5)


def test_at_the_boundary_the_reader_variance_is_zero_and_patients_remain():
    d = drawn(5, 40, seed=2, reader=0.0)
    d -= d.mean(1, keepdims=True)  # readers do not differ at all
    found, variances = reml_mean(d)
    assert variances.reader == 0
    ms_r, ms_c, ms_e = mean_squares(d)
    pooled = (ms_e * 4 * 39 + ms_r * 4) / (4 * 40)
    assert variances.error == pytest.approx(pooled, rel=1e-6)
    assert variances.patient == pytest.approx((ms_c - pooled) / 5, rel=1e-6)
    assert found.se == pytest.approx((ms_c / d.size) ** 0.5, rel=1e-6)


def test_incomplete_crossing_is_that_of_statsmodels():
    d = drawn(5, 25, seed=3)
    d[np.random.default_rng(4).random(d.shape) < 0.35] = np.nan
    j, k = np.nonzero(~np.isnan(d))
    table = pd.DataFrame({"d": d[j, k], "reader": j, "patient": k, "all": 1})
    formula = {"reader": "0 + C(reader)", "patient": "0 + C(patient)"}
    reference = MixedLM.from_formula("d ~ 1", table, groups="all", re_formula="0", vc_formula=formula).fit()
    found, variances = reml_mean(d)
    assert found.value == pytest.approx(reference.params["Intercept"], abs=1e-4)
    assert found.se == pytest.approx(reference.bse["Intercept"], rel=1e-3)
    components = dict(zip(reference.model.exog_vc.names, reference.vcomp, strict=True))
    assert variances.reader == pytest.approx(components["reader"], rel=5e-3)
    assert variances.patient == pytest.approx(components["patient"], rel=5e-3)
    assert variances.error == pytest.approx(reference.scale, rel=2e-3)


def test_patients_nested_in_readers_have_no_patient_variance():
    d = np.full((4, 12), np.nan)
    for j in range(4):
        d[j, 3 * j : 3 * j + 3] = drawn(1, 3, seed=j)
    found, variances = reml_mean(d)
    assert variances.patient is None
    assert variances.reader is not None
    assert found.low < found.value < found.high


@given(
    arrays.arrays(
        float,
        st.tuples(st.integers(1, 5), st.integers(1, 6)),
        elements=st.sampled_from([np.nan, -2.0, -1.0, 0.0, 1.0, 2.0]),
    )
)
def test_any_table_gives_a_number_or_a_sentence(d):
    found, _ = reml_mean(d)  # Estimate refuses NaN
    assert found.note
    assert found.low is None or found.low <= found.value <= found.high
