"""The report folder: all files and their hashes, marks of simulated data, checklists, exports, pages and figures."""

import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from rating_tables import fidelity_rows, pair_rows, rating_rows

from echogan.core.errors import OutputError
from echogan.core.notice import NOTICE
from echogan.study.analysis import figures
from echogan.study.analysis.analysis import analyse
from echogan.study.analysis.checklists import CLAIM, GRRAS, OPEN, claim, grras
from echogan.study.analysis.exports import imrmc_input, r_script
from echogan.study.analysis.pdf_report import HEIGHT, lay_out, pdf_report
from echogan.study.analysis.planner import PowerPoint
from echogan.study.analysis.report import analyse_study, write_plan, write_report
from echogan.study.analysis.sections import sections
from echogan.study.analysis.simulation import simulated_study
from echogan.study.analysis.tables import study_tables

FILES = {
    "report.html", "report.pdf", "analysis.json", "manifest.json", "ratings.csv", "pairs.csv", "fidelity.csv",
    "guesses.csv", "times.csv",
    "codebook.csv", "clmm.R", "dwell.png", "likert.png", "forest.png", "vgc.png", "slopes.png", "agreement.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo():
    return simulated_study(readers=3, patients=6, clips=1, seed=3)


@pytest.fixture(scope="module")
def folder(demo, tmp_path_factory):
    place = tmp_path_factory.mktemp("study") / "results"
    analyse_study(demo, place)
    return place


@pytest.fixture(scope="module")
def analysis(demo):
    return analyse(demo)


@pytest.fixture(scope="module")
def pages(analysis):
    return lay_out(analysis.title, True, sections(analysis))


def real(title: str = "A study", **what):
    rng = np.random.default_rng(0)
    rows = rating_rows(rng.integers(1, 6, (2, 3, 6)).astype(float))
    return study_tables(rows, title=title, **what)


def words(page: str) -> str:
    class Words(HTMLParser):
        found = ""

        def handle_data(self, data):
            self.found += data + "\n"

    parser = Words()
    parser.feed(page)
    return parser.found


def test_the_folder_has_all_files_and_their_hashes(demo, folder):
    names = {path.name for path in folder.iterdir()}
    assert names == FILES | {f"{item.name}.imrmc" for item in demo.items}
    hashes = json.loads((folder / "manifest.json").read_text())
    assert set(hashes) == names - {"manifest.json"}
    for name, digest in hashes.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_simulated_data_are_marked_everywhere(demo, analysis, folder, pages):
    assert "SIMULATED" in words((folder / "report.html").read_text())
    assert json.loads((folder / "analysis.json").read_text())["simulated"] is True
    assert "SIMULATED" in imrmc_input(demo, demo.items[0])
    for page in pages:
        assert any("SIMULATED" in text.get_text() for text in page.texts)
    assert "SIMULATED" in figures.forest(analysis.items[0], True).get_suptitle()
    assert figures.forest(analysis.items[0], False).get_suptitle() == ""


def test_a_real_study_is_not_marked_and_carries_the_notice():
    tables = real()
    analysis = analyse(tables)
    parts = sections(analysis)
    shown = " ".join(line for part in parts for line in part.paragraphs)
    assert "simulated" not in shown.lower()
    assert NOTICE in shown
    assert "SIMULATED" not in imrmc_input(tables, tables.items[0])
    assert pdf_report("A study", False, parts) == pdf_report("A study", False, sections(analysis))


def test_what_was_typed_by_people_is_escaped(tmp_path):
    analysis = analyse(real(title="<script>alert(1)</script>"))
    write_report(analysis, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert "<script>alert(1)</script>" in words(page)


def test_the_checklists_are_whole_and_open_where_data_say_nothing(analysis):
    filled = claim(analysis)
    assert [number for number, _, _ in filled] == list(range(1, 45))
    assert len(CLAIM) == 44
    assert len(GRRAS) == 15
    answers = {number: answer for number, _, answer in filled}
    assert answers[44] == OPEN  # funding
    assert "3 readers, 6 patients, 6 clips" in answers[35]
    assert "statsmodels" in answers[23]
    assert "ICC(A,1)" in {number: answer for number, _, answer in grras(analysis)}[13]


def test_checklists_of_pairs_alone_are_whole():
    analysis = analyse(study_tables([], pair_rows(np.array([[1, 2], [0, 1]]), np.eye(2, dtype=bool))))
    assert len(claim(analysis)) == 44
    assert [part.title for part in sections(analysis)][:3] == ["Summary", "What was read", "Blinded pairs"]


def test_csv_holds_all_ratings_and_empty_means_cannot_assess(demo, folder):
    rows = list(csv.DictReader(io.StringIO((folder / "ratings.csv").read_text())))
    assert len(rows) == len(demo.ratings)
    assert sum(row["value"] == "" for row in rows) == demo.ratings["value"].isna().sum()


def test_the_imrmc_file_has_its_counts_truth_and_scores():
    values = np.array([[[1, 2], [3, np.nan]], [[4, 5], [5, 5]]], float)
    text = imrmc_input(study_tables(rating_rows(values)), study_tables(rating_rows(values)).items[0])
    head, _, data = text.partition("BEGIN DATA:\n")
    counts = dict(re.findall(r"^(N\w): (\d+)$", head, flags=re.M))
    assert counts == {"N0": "2", "N1": "2", "NR": "2", "NM": "1"}
    lines = data.split()
    assert lines[:4] == ["-1,e_P0-1,0,1", "-1,e_P1-1,0,1", "-1,o_P0-1,0,0", "-1,o_P1-1,0,0"]
    assert len(lines) == 4 + 7
    assert "R1,o_P0-1,rated,3" in lines


def test_one_arm_has_no_imrmc_file_and_r_gets_plain_names():
    values = np.array([[[1, 2]], [[np.nan, np.nan]]], float)
    tables = study_tables(rating_rows(values))
    assert imrmc_input(tables, tables.items[0]) == ""
    assert 'c("overall")' in r_script(tables)
    quoted = study_tables(rating_rows(values, 'a"; system("x'))
    assert 'c("a___system__x")' in r_script(quoted)


def test_text_and_tables_stay_inside_the_pages(pages):
    for page in pages:
        renderer = page.canvas.get_renderer()
        for text in page.texts:
            box = text.get_window_extent(renderer).transformed(page.transFigure.inverted())
            assert box.x0 > 0.05
            assert box.x1 < 0.95
            assert box.y0 > 0.02
            assert box.y1 < 1 - 0.2 / HEIGHT


def test_the_axes_are_those_of_the_scale(analysis):
    result = analysis.items[0]
    assert figures.forest(result, False).axes[0].get_xlim() in ((-2, 2), (-4, 4))
    low, high = figures.slopes(result, False).axes[0].get_ylim()
    assert low < 1 < 5 < high
    assert figures.likert([result], False).axes[0].get_xlim() == (0, 100)
    assert figures.vgc([result], False).axes[0].get_xlim() == (0, 1)


def test_a_plan_is_a_table_and_a_figure(tmp_path):
    write_plan([PowerPoint(4, 20, 0.6, 0.02, 0.4), PowerPoint(4, 40, 0.8, 0.02, 0.4)], tmp_path)
    assert (tmp_path / "power.csv").read_text().splitlines()[1] == "4,20,0.6000,0.0200,0.4000"
    assert Image.open(tmp_path / "power.png").size[0] > 500


@pytest.mark.parametrize("rows", [
    rating_rows(np.full((2, 2, 3), 4.0)),
    rating_rows(np.array([[[1.0]], [[np.nan]]])),
    rating_rows(np.full((2, 2, 2), np.nan)),
], ids=["one level", "one rating", "cannot assess"])  # fmt: skip
def test_a_poor_study_has_a_report_too(rows, tmp_path):
    tables = study_tables(rows, [], fidelity_rows(np.zeros((2, 3))))
    analyse_study(tables, tmp_path)
    text = words((tmp_path / "report.html").read_text())
    assert "nan" not in re.findall(r"\bnan\b", text.lower())
    assert "Notes on the data" in text


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_plan([PowerPoint(4, 20, 0.6, 0.02, 0.4)], tmp_path / "file")
