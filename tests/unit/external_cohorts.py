"""A signature of two features, and external cohorts whose truth is known."""

import numpy as np
import pandas as pd

from radstudy.modelling.models import LinearForm, Term
from radstudy.signature.document import Signature, write_signature

STUDY = """
cohort:
  table: table.csv
  patient: id
  outcome: {column: y}
features: {table: table.csv{more}}
{further}
"""
TERMS = (("MR:a", 1.2), ("MR:b", -0.8))


def formula(intercept=-0.2, imputation=None):
    terms = tuple(Term(name, imputation, 10.0, 2.0, value, (3.0, 17.0)) for name, value in TERMS)
    return LinearForm(intercept, terms)


def write_model(folder, *, clinical=None, extract=None, form=None):
    """A signature of two features, as a study of a feature table writes it."""
    file = folder / "signature.json"
    signature = Signature(
        study="development", model="two", notice="", outcome={"positive": "1", "negative": "0", "label": "event"},
        form=form or formula(), cutoff=0.5, sequences=("MR",), clinical=clinical or {}, prepare=(),
        extract=extract or {"from_feature_table": True},
        training={"lesions": 200, "patients": 200, "positive": 90, "rows_hash": "none"}, versions={},
    )  # fmt: skip
    write_signature(signature, file)
    return file


def write_cohort(folder, rows=1500, shift=0.0, slope=1.0, seed=1, further="", more="", **columns):
    """A cohort whose outcome follows ``shift + slope * log-odds``, and its study file."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(10, 2, rows), "b": rng.normal(10, 2, rows)})
    linear = formula().log_odds(frame.rename(columns=lambda name: f"MR:{name}"))
    frame["y"] = (rng.random(rows) < 1 / (1 + np.exp(-(shift + slope * linear)))).astype(int)
    frame["id"] = [f"P{number:04d}" for number in range(rows)]
    for name, values in columns.items():
        frame[name] = values(rng, rows)
    frame.to_csv(folder / "table.csv", index=False)
    file = folder / "study.yaml"
    file.write_text(STUDY.replace("{further}", further).replace("{more}", more), encoding="utf-8")
    return frame, file
