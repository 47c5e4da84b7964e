"""The leak detector on public data: what it finds there can be looked up in the files."""

import pandas as pd

from radstudy.protocol import load_protocol
from radstudy.protocol.load import parse_protocol
from radstudy.steps.leaks import check_study
from real.feature_explorer import HEAD

MODELS = """
model: {select: [{impute: median}, {boosted_trees: {keep: 5}}], models: {T2: [T2]}}
"""


def test_one_patient_stands_twice_in_a_public_table(real_data, tmp_path):
    found = check_study(parse_protocol(HEAD + MODELS), data=real_data, out=tmp_path).findings
    doubles = [finding.where for finding in found if finding.check == "one patient twice"]
    assert doubles == ["N26 = N27"]
    frame = pd.read_csv(real_data / "feature_tables" / "fae_numeric_feature.csv", index_col=0)
    assert (frame.loc["N26"] == frame.loc["N27"]).all()  # all 264 features


def test_the_sarcoma_cohort_has_no_finding(real_data, tmp_path, request):
    study = request.config.rootpath / "examples" / "soft-tissue-sarcoma" / "study.yaml"
    checked = check_study(load_protocol(study), data=real_data, out=tmp_path)
    found, seen = checked.findings, checked.seen
    assert found == []
    assert seen[0] == "51 rows of sts/clinical.csv"
