"""Two scripted readers with planted errors, and an arbiter, read 24 demo patients over HTTP; a run says of them what
the scripts' own record says: kappa, ICC, Dice, exclusions, final values, agreement within readers.

The same on a small study, in less time: tests/e2e/test_scripted_readers.py.
"""

import json
import re
import shutil
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from e2e.reading_checks import check_run
from e2e.scripted_readers import PlantedErrors, Record, images_of, read_whole
from radstudy.demo.cohort import make
from radstudy.demo.to_read import write_study_to_read
from radstudy.protocol import load_protocol

pytestmark = pytest.mark.long
PATIENTS, SEED = 24, 20261130
FEWER = """
evaluate:
  chance: {permutations: 20}
  resampling: {nested: {repeats: 1}, splits: 4, bootstrap: 2}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study file of the demo's cohort without masks and findings, and the truth."""
    data = tmp_path_factory.mktemp("demo") / "data"
    make(data, patients=PATIENTS, seed=SEED, jobs=2)
    truth = data.parent / "truth"
    shutil.move(data / "masks", truth / "masks")
    shutil.move(data / "cohort.csv", truth / "cohort.csv")
    shutil.copy(truth / "cohort.csv", data / "cohort.csv")
    file = write_study_to_read(data, SEED)
    (data / "cohort.csv").unlink()
    text, changed = re.subn(r"wash_out_days: 0 ", "practice: 0\n  image: acquired ", file.read_text(encoding="utf-8"))
    assert changed == 1
    file.write_text(text + FEWER, encoding="utf-8")
    return file, truth


def test_the_report_says_of_24_patients_what_the_readers_own_record_says(study):
    file, truth = study
    protocol, data = load_protocol(file), file.parent
    levels = {name: one.levels for name, one in protocol.cohort.clinical.items() if one.table == "imaging"}
    levels["likelihood"] = None
    table = pd.read_csv(truth / "cohort.csv", dtype=str).set_index("patient_id")
    patients = sorted(folder.name for folder in (truth / "masks").iterdir() if folder.name.startswith("SYN"))
    answers = {patient: {item: table.loc[patient, item] if words else float(table.loc[patient, item])
                         for item, words in levels.items() if item != "likelihood"}
               for patient in patients}  # fmt: skip
    lesions = {(patient, name): voxels(truth / "masks" / patient / f"{name}_reader1.nii.gz") > 0
               for patient in patients for name in protocol.sequences}  # fmt: skip
    plan, record = PlantedErrors(lesions, answers, levels), Record()
    plan.reopened_masks.add(("reader1", patients[8], "DCE3"))
    images = images_of(data / "images", patients, "T2WI", voxels)
    reopen = [("reader1", "characteristics", patients[0]), ("reader2", "characteristics", patients[9]),
              ("reader1", "masks", patients[8])]  # fmt: skip
    began = time.monotonic()
    lead = read_whole(file, plan, record, images, reopen, readers=plan.readers, arbiter="reader3")
    print(f"read in {time.monotonic() - began:.0f} s, {len(record.masks)} masks, {len(record.arbitrated)} arbitrated")
    out = data.parent / "out"
    assert "already done" not in run(file, out)
    check_run(data, out, plan, record, lead, protocol.reading.characteristics.differs_above, masks="drawn")
    check_what_is_due(file, out)


def voxels(file):
    return np.asarray(nib.load(file).dataobj)


def run(file, out):
    done = subprocess.run([sys.executable, "-m", "radstudy", "run", file, "--out", out, "--jobs", "2"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def check_what_is_due(file, out):
    """Another setting of the reading room makes nothing due; another summary the cohort and the report alone."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("image: acquired", "image: prepared"), encoding="utf-8")
    assert "done in" not in run(file, out)
    summary = file.parent / "reading" / "summary.json"
    content = json.loads(summary.read_text(encoding="utf-8"))
    content["reopened"] += 4
    summary.write_text(json.dumps(content), encoding="utf-8")
    done = re.findall(r"^(\S+): done in", run(file, out), re.MULTILINE)
    assert done == ["cohort", "report"]
    assert f"{content['reopened']} closed cases were opened again" in (out / "report.html").read_text(encoding="utf-8")
