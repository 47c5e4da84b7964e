"""A positive control: 260 patients, three sequences, a strong signal, from a study file that begins at the table."""

import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.study import run
from real.feature_explorer import HEAD

MODELS = """
model:
  fit: [logistic, svm]
  select:
    - impute: median
    - standardise: zscore
    - collinear: {above: 0.8}
    - univariate: {test: mann-whitney, below: 0.05}
    - boosted_trees: {keep: 5}
  models:
    T2: [T2]
    DWI: [DWI]
    ADC: [ADC]
    all: {pool: [T2, DWI, ADC]}
evaluate: {chance: null, resampling: null}
"""


pytestmark = pytest.mark.long  # a study of its own; tests/unit/steps/test_feature_table.py reads smaller tables


@pytest.fixture(scope="module")
def control(real_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("control")
    assert run(parse_protocol(HEAD + MODELS), data=real_data, out=out, until="evaluate", jobs=1) == 0
    return out


def test_the_table_is_read_whole(control):
    features = pd.read_parquet(control / "extract" / "features.parquet")
    assert features.groupby("sequence").size().to_dict() == {"ADC": 260, "DWI": 260, "T2": 260}
    assert features.shape[1] == 88
    assert not features.isna().any().any()


def test_every_sequence_and_their_pool_find_the_signal(control):
    table = pd.read_csv(control / "evaluate" / "table3.csv")
    testing = table[table["set"] == "testing"].set_index("model")
    assert len(testing) == 8
    assert (testing["rows"] == 78).all()
    assert (testing["auc"] > 0.88).all()
    assert (testing["auc_low"] > 0.75).all()
