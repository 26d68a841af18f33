"""The tables of a study as files for other programs: CSV, iMRMC input and an R script."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from echogan.core.csv_guard import guarded
from echogan.study.analysis.tables import Item, StudyTables

IMRMC_HEADER = """{title}, {label}
{simulated}In visual grading, enhanced clips stand for diseased cases and original clips for healthy ones, so that
the AUC is the VGC area, the chance that an enhanced clip is rated above an original one. iMRMC takes the cases of the
two arms for independent, which makes its interval a little wide.

N0: {n0}
N1: {n1}
NR: {readers}
NM: 1

BEGIN DATA:
"""
R_SCRIPT = """# Ordinal mixed models of the ratings: readers and patients are random. Run it beside ratings.csv.
# install.packages("ordinal")
library(ordinal)
all <- read.csv("ratings.csv", stringsAsFactors = FALSE)
all <- subset(all, kind == "main" & !is.na(value))
all$arm <- factor(all$arm, levels = c("original", "enhanced"))
for (group in c("reader", "patient")) all[[group]] <- factor(all[[group]])
for (name in c({items})) {{
  rated <- subset(all, item == name)
  rated$value <- factor(rated$value, ordered = TRUE)
  if (nlevels(rated$value) < 2) next
  # A gain that differs between readers and patients is what makes the result hold for new ones.
  groups <- value ~ arm + (1 | reader) + (1 | reader:arm) + (1 | patient) + (1 | patient:arm)
  fit <- clmm(groups, data = rated)
  cat("\\n", name, ": odds ratio of a better rating, enhanced over original\\n", sep = "")
  effect <- coef(summary(fit))["armenhanced", ]
  print(exp(effect["Estimate"] + c(estimate = 0, low = -1.96, high = 1.96) * effect["Std. Error"]))
  print(summary(fit))
}}
"""


def write_exports(tables: StudyTables, folder: Path) -> None:
    """Write the tables and their codebook as CSV, an .imrmc file for each item and clmm.R."""
    for name in ("ratings", "pairs", "fidelity", "guesses", "times"):
        _write_csv(getattr(tables, name), folder / f"{name}.csv")
    _write_csv(codebook(tables), folder / "codebook.csv")
    for item in tables.items:
        if text := imrmc_input(tables, item):
            (folder / f"{item.name}.imrmc").write_text(text, encoding="utf-8")
    (folder / "clmm.R").write_text(r_script(tables), encoding="utf-8")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    # Lines end as RFC 4180 says: only then is a cell quoted that holds a carriage return.
    table.map(guarded).to_csv(path, index=False, lineterminator="\r\n")


def codebook(tables: StudyTables) -> pd.DataFrame:
    """What each column means: file, column, meaning."""
    scales = "; ".join(f"{item.name} {item.low} to {item.high}" for item in tables.items)
    shared = {
        "reader": "pseudonym of the reader",
        "patient": "pseudonym of the patient",
        "clip": "name of the clip",
    }
    meanings = {
        "ratings": shared | {
            "arm": "original or enhanced", "item": "what was rated", "value": f"empty: cannot assess; {scales}",
            "session": "number of the session", "kind": "main, repeat (unannounced) or gold (known answer)",
        },
        "pairs": shared | {
            "side": "where the enhanced clip was shown", "value": "-3 to 3, above 0 favours the enhanced clip",
        },
        "fidelity": shared | {
            "item": "added, removed or motion", "grade": "0 none, 1 minor, 2 clinically relevant",
        },
        "guesses": shared | {"arm": "the clip's arm", "guess": "original or enhanced; empty: cannot assess"},
        "times": shared | {
            "arm": "original or enhanced, both where they are in one picture",
            "part": "single, pair, guess or fidelity",
            "session": "number of the session", "position": "place within the session, from 0",
            "kind": "main, repeat or gold", "seconds": "from shown to submitted, without time with the window hidden",
        },
    }  # fmt: skip
    rows = [(file, column, text) for file, columns in meanings.items() for column, text in columns.items()]
    return pd.DataFrame(rows, columns=["file", "column", "meaning"])


def imrmc_input(tables: StudyTables, item: Item) -> str:
    """The input file of iMRMC for one item; an empty text where an arm has no ratings.

    Format: class InputFile of the iMRMC application: reader, case, modality, score; truth rows have the reader -1.
    """
    rated = tables.main(item.name).dropna(subset="value")
    if set(rated["arm"]) != {"original", "enhanced"}:
        return ""
    cases = rated["arm"].str[0] + "_" + rated["clip"].map(_plain)
    truth = (rated["arm"] == "enhanced").astype(int).groupby(cases).first()
    lines = [f"-1,{case},0,{value}" for case, value in truth.items()]
    readers = rated["reader"].map(_plain)
    lines += [f"{r},{c},rated,{v:g}" for r, c, v in zip(readers, cases, rated["value"], strict=True)]
    header = IMRMC_HEADER.format(
        title=_free(tables.title), label=_free(item.label), readers=readers.nunique(), n0=(truth == 0).sum(),
        n1=(truth == 1).sum(), simulated="SIMULATED RATINGS. " if tables.simulated else "",
    )  # fmt: skip
    return header + "\n".join(lines) + "\n"


def r_script(tables: StudyTables) -> str:
    """An R script that fits `ordinal::clmm` to each item of ratings.csv."""
    return R_SCRIPT.format(items=", ".join(f'"{_plain(item.name)}"' for item in tables.items))


def _plain(name: str) -> str:
    """A name without what divides fields in these files."""
    return re.sub(r"[^\w.-]", "_", name)


def _free(text: str) -> str:
    """Free text of the header, in one line. iMRMC takes `N0:` and the like for a number wherever it stands."""
    return " ".join(text.replace(":", ",").split())
