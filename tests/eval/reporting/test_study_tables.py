"""The table of reader-study intervals has the values of the result, and gaps where a method has no answer."""

from eval.reporting import study_tables

EFFECTS = {
    "gain": 0.4,
    "patient": 0.7,
    "reader": 0.3,
    "reader_by_arm": 0.15,
    "patient_by_arm": 0.3,
    "error": 0.6,
}


def test_a_row_has_the_three_figures_and_those_of_the_checks():
    mrmc = {"type_1": 0.0581, "coverage": 0.944, "power": 0.62}
    intervals = {"mrmc": mrmc, "bootstrap": {"type_1": 0.04, "coverage": 0.96}, "naive": mrmc}
    result = {
        "rows": {"crossed": {"intervals": intervals}, "nested": {"intervals": {"mrmc": mrmc, "naive": mrmc}}},
        "studies": 2000, "slow_studies": 500, "effects": EFFECTS,
    }  # fmt: skip
    table = study_tables.study(result)
    assert "| crossed | 5.8 | 94.4 | 62.0 | 4.0, 96.0 |  | 5.8, 94.4 |" in table
    assert "| nested | 5.8 | 94.4 | 62.0 |  |  | 5.8, 94.4 |" in table
    assert "2000 simulated studies" in table
    assert "a gain of 0.4 points" in table
