"""`radstudy demo --read`: the reading room on the synthetic cohort, which nobody can take for patients."""

import os
import re
import signal
import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml

from radstudy.demo.clinical import COLUMNS
from radstudy.demo.to_read import write_study_to_read
from radstudy.kept import keep
from radstudy.protocol import load_protocol
from radstudy.store import content_hash
from unit.app.web.conftest import Browser

LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#(\S+)")


@pytest.fixture
def made(tmp_path):
    """A demo's data as if it was made before: the table, and images of one patient alone."""
    data = tmp_path / "out" / "data"
    data.mkdir(parents=True)

    rows = [dict.fromkeys(COLUMNS, "") | {"patient_id": "SYN-0001", "lesion": "1", "side": "left", "fish": "positive"}]
    pd.DataFrame(rows).to_csv(data / "cohort.csv", index=False)
    for sequence in ("T2WI", "DWI", "DCE3", "DCE7"):
        file = data / "images" / "SYN-0001" / f"{sequence}.nii.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(5, 4, 3), np.eye(4)), file)
    keep(data / ".made.json", content_hash({"patients": 20, "seed": 20260114, "null": False}), {})
    return data


def test_readers_are_given_neither_masks_nor_findings(made):
    (made / "masks" / "SYN-0001").mkdir(parents=True)
    study = write_study_to_read(made, 5)
    text = study.read_text(encoding="utf-8")
    assert text.startswith("# SYNTHETIC DATA") and yaml.safe_load(text)["study"].startswith("SYNTHETIC")
    protocol = load_protocol(study)
    table = pd.read_csv(made / protocol.cohort.table)
    imaging = {name for name, one in protocol.cohort.clinical.items() if one.table == "imaging"}
    assert not imaging & set(table.columns)
    assert {"patient_id", "side", "fish", "age", "set"} <= set(table.columns)
    assert protocol.cohort.masks.startswith("drawn/"), "the demo's masks are not the reader's"
    write_study_to_read(made, 5)  # again, over its own files


def test_the_room_opens_on_the_synthetic_cohort_with_practice_and_pseudonyms(made, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "radstudy", "demo", "--read", "--no-browser", "--out", tmp_path / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy(),
    )  # fmt: skip
    try:
        port, token = LINK.match(process.stdout.readline()).groups()
        page = Browser(int(port))
        assert page.enter(token).status == 200
        me = page.ask("GET", "/api/me").json
        assert me["study"].startswith("SYNTHETIC") and (me["role"], me["reader"]) == ("lead", "reader1")
        listed = page.ask("GET", "/api/worklist/masks").json
        assert [case["practice"] for case in listed["cases"]] == [True, True, False]
        assert "SYN-0001" not in str(listed)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert not out
    assert "SYNTHETIC DATA" in err and "Traceback" not in err
    assert not (tmp_path / "out" / "report.html").exists()
