"""The synthetic cohort as a study to read: neither masks nor findings are given, readers draw and describe.

The demo's own masks stay where they are; the reading room would not write over them, and looks elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radstudy.demo.clinical import READ_OFF
from radstudy.demo.cohort import NOTICE
from radstudy.owned import owning, refuse_foreign
from radstudy.store import write_csv, write_text

STUDY, TABLE = "read.yaml", "to_read.csv"
_FINDINGS = (*READ_OFF, "max_diameter_cm")


def write_study_to_read(data: Path, seed: int) -> Path:
    """Write a study file and a table without findings beside those of the demo's cohort.

    Parameters
    ----------
    data : folder of `radstudy.demo.cohort.make`.
    seed : of the study.

    Returns
    -------
    The study file.

    Raises
    ------
    UsageError : other files are in their place.
    """
    study, table = data / STUDY, data / TABLE
    refuse_foreign(study, table)
    known = pd.read_csv(data / "cohort.csv", dtype=str, keep_default_na=False)
    with owning(study, table):
        write_csv(table, known.drop(columns=list(_FINDINGS)))
        write_text(study, _study_text(seed))
    return study


def _study_text(seed: int) -> str:
    return f"""\
# {NOTICE}
# Made by "radstudy demo --read": the demo's images to draw and describe. "radstudy run {STUDY}" takes what was read.
study: SYNTHETIC demo of the reading room
preset: her2-ihc2plus/1
notice: "{NOTICE}"
seed: {seed}

cohort:
  table: {TABLE}
  split: {{column: set}}
  images: images/{{patient}}/{{sequence}}.nii.gz
  masks: drawn/{{patient}}/{{sequence}}_{{reader}}.nii.gz
  readers: [reader1, reader2]

reading:
  wash_out_days: 0                            # a study waits 28 days until a reader meets a patient again
  characteristics: {{arbiter: reader3}}
"""
