"""A small run from made-up features on, so that the modelling steps can be tested without an image."""

import numpy as np
import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.steps.agree import do_agree
from radstudy.steps.evaluate import do_evaluate
from radstudy.steps.model import do_model
from radstudy.steps.run import Run
from radstudy.store import write_csv, write_json
from radstudy.table import FeatureTable

STUDY = """
study: test
seed: 3
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
  clinical: {age: {}, margin: {levels: [smooth, rough], table: imaging}}
sequences: [T2, DWI]
model:
  select:
    - impute: median
    - standardise: zscore
    - collinear: {above: 0.8}
    - univariate: {below: 0.05}
    - boosted_trees: {keep: 2, trees: 20}
  models:
    clinical: {clinical: {univariate_below: 0.05}}
    T2: [T2]
    DWI: [DWI]
    both: {pool: [T2, DWI]}
    all: {add: [both, clinical]}
evaluate:
  chance: null
  resampling: null
"""


class Synthetic:
    """Rows and features that a test may alter before the steps run."""

    def __init__(self, out, seed=0, rows=60, features=40, effect=1.5):
        rng = np.random.default_rng(seed)
        patients = [f"P{i:02d}" for i in range(rows)]
        y = rng.permutation([0] * (rows * 3 // 5) + [1] * (rows - rows * 3 // 5))
        sets = np.where(np.arange(rows) % 3 == 0, "testing", "training")
        self.rows = pd.DataFrame(
            {"patient": patients, "lesion": "1", "outcome": y, "set": sets, "side": "", "age": rng.normal(50, 9, rows),
             "margin": np.where(rng.random(rows) < 0.3 + 0.5 * y, "rough", "smooth")}
        )  # fmt: skip
        self.values = {}
        for sequence in ("T2", "DWI"):
            truth = rng.normal(size=(rows, features))
            if sequence == "DWI":
                truth[:, :3] += effect * y[:, None]
            for reader in ("a", "b"):
                read = truth + rng.normal(scale=0.2, size=truth.shape)
                read[:, -5:] = rng.normal(size=(rows, 5))  # five features that no reader reproduces
                for i in range(rows if reader == "a" else 20):
                    self.values[patients[i], "1", sequence, reader] = read[i].copy()
        self.names = [f"original_made_F{i:02d}" for i in range(features)]
        self.study, self.out = STUDY, out

    def flow(self):
        """The numbers of the flowchart: nobody was excluded, each patient has one lesion."""

        def positive_and_negative(rows):
            positive = int((rows["outcome"] == 1).sum())
            return {"negative": len(rows) - positive, "positive": positive}

        count = len(self.rows)
        sets = {
            which: {"patients": len(part), **positive_and_negative(part)} for which, part in self.rows.groupby("set")
        }
        return {"screened": count, "excluded": [], "kept": count, "lesions": count, **positive_and_negative(self.rows),
                **sets}  # fmt: skip

    def run(self):
        protocol = parse_protocol(self.study)
        run = Run(protocol, self.out, self.out, 1, lambda _: None, lambda items, _n, _w: items)
        write_csv(run.path("cohort", "rows.csv"), self.rows)
        write_csv(self.out / "cohort.csv", self.rows.rename(columns={"patient": "id", "outcome": "y"}))
        write_json(run.path("cohort", "cases.json"), [])
        write_json(run.path("cohort", "flow.json"), self.flow())
        rows = {key: dict(zip(self.names, value, strict=True)) for key, value in self.values.items()}
        run.folder("extract").begin()
        FeatureTable.from_rows(rows).write(run.path("extract", "features.parquet"))
        run.folder("extract").finish("x" + str(len(rows)), settings={}, inputs={}, seconds=0)
        do_agree(run)
        do_model(run)
        do_evaluate(run)
        return run


@pytest.fixture
def synthetic(tmp_path):
    def make(name="run", **settings):
        return Synthetic(tmp_path / name, **settings)

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A run with a modest effect, for tests that only read it."""
    return Synthetic(tmp_path_factory.mktemp("finished"), effect=0.8).run()


@pytest.fixture(scope="session")
def synthetic_class():
    """For fixtures of a module that make a run of their own."""
    return Synthetic
