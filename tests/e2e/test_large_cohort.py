"""The report of a thousand patients stays small: the page has the pictures of a stated sample, the folder has all."""

import os
import re
import time

import pandas as pd
import pytest

from radstudy.protocol import load_protocol
from radstudy.report.write import write_report

COPIES = 42  # of 24 patients


def copied(file):
    """A table of the run with every patient as often as there are copies, under other names."""
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if "patient" not in table:
        return
    named = [table.assign(patient=table["patient"] + f"-{copy:02d}") for copy in range(COPIES)]
    pd.concat(named).to_csv(file, index=False, encoding="utf-8-sig")


@pytest.mark.long
def test_the_page_of_a_thousand_patients_is_below_30_megabytes(demo_copy):
    for file in demo_copy.rglob("*.csv"):
        if "data" not in file.relative_to(demo_copy).parts:
            copied(file)
    for file in (demo_copy / "prepare" / "pictures").glob("*.npz"):
        patient, _, rest = file.stem.partition("_")
        for copy in range(COPIES):
            os.link(file, file.with_name(f"{patient}-{copy:02d}_{rest}.npz"))
    started = time.monotonic()
    page = write_report(load_protocol(demo_copy / "data" / "study.yaml"), demo_copy, jobs=2)
    text = page.read_text(encoding="utf-8")
    print(f"{page.stat().st_size / 1e6:.1f} MB in {time.monotonic() - started:.0f} s")
    assert "could not be made" not in text
    assert page.stat().st_size < 30e6
    (shown, known) = re.search(r"the pictures of (\d+) of (\d+) patients", text).groups()
    assert int(known) == 24 * COPIES and 250 < int(shown) <= 300
    assert len(list((demo_copy / "report" / "pictures").glob("SYN-*-*_*.jpg"))) == 4 * 24 * COPIES
