"""A sealed study of images: with other testing outcomes, every file of the run has the same bytes until it is unsealed.

Both runs lie in the same place, one after the other, because cases.json has the images' paths; the second takes over
what the first prepared and extracted, which reads no outcome.
"""

import shutil

import numpy as np
import pandas as pd
import pytest

from radstudy.demo.cohort import make
from radstudy.protocol import load_protocol
from radstudy.steps.sealing import unseal
from radstudy.study import run
from unit.same_bytes import differing_files, stopped_clock

pytestmark = pytest.mark.long
OF_IMAGES = ("prepare", "extract")
SLOW = ("  chance:", "  resampling:")


def swap(data):
    """Exchange outcomes among the testing patients."""
    table = pd.read_csv(data / "cohort.csv", dtype=str, keep_default_na=False, comment="#")
    testing = table.index[(table["set"] == "testing") & (table["exclusion"] == "")]
    table.loc[testing, "fish"] = np.roll(table.loc[testing, "fish"], 1)
    table.to_csv(data / "cohort.csv", index=False)


def test_every_file_of_a_sealed_study_of_images_is_the_same(tmp_path):
    data, out, first = tmp_path / "data", tmp_path / "run", tmp_path / "first"
    make(data, patients=24, seed=20260114)
    study = data / "study.yaml"
    lines = [line for line in study.read_text().splitlines() if not line.startswith(SLOW)]
    study.write_text("\n".join([*lines, "  sealed: true", "  chance: null", "  resampling: null", ""]))
    protocol = load_protocol(study)
    with stopped_clock():
        run(protocol, data=data, out=out, jobs=1)
        swap(data)
        out.rename(first)
        for name in OF_IMAGES:
            shutil.copytree(first / name, out / name)
        run(protocol, data=data, out=out, jobs=1)
    assert [name for name in differing_files(first, out) if name != "cohort/opened.json"] == []
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "could not be made" not in page and "The testing results are sealed" in page
    unseal(protocol, data, out)
    said = []
    run(protocol, data=data, out=out, until="evaluate", jobs=1, say=said.append)
    assert {"prepare: already done", "extract: already done", "agree: already done"} <= set(said)
    assert {"model/predictions.csv", "evaluate/table3.csv"} <= {
        name for name in ("model/predictions.csv", "evaluate/table3.csv", "model/features.csv")
        if (first / name).read_bytes() != (out / name).read_bytes()
    }  # fmt: skip
    assert (first / "model/features.csv").read_bytes() == (out / "model/features.csv").read_bytes()
