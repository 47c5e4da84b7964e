"""The table against the paper: the printed values below are Tables 1 and 2 of Li X. et al., Front Oncol 2026."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from radstudy.demo.cohort import plan
from radstudy.demo.published import EXCLUDED
from radstudy.errors import UsageError

GROUPS = [("training", "negative"), ("training", "positive"), ("testing", "negative"), ("testing", "positive")]
# variable, level, then patients in training negative, training positive, testing negative, testing positive
PRINTED = """
er negative 11 5 3 3
er positive 34 24 17 10
pr negative 19 7 7 4
pr positive 26 22 13 9
ki67 low 19 5 12 3
ki67 high 26 24 8 10
grade I 3 1 0 0
grade II 34 26 17 13
grade III 8 2 3 0
histological_type non-special 44 29 18 12
histological_type special 1 0 2 1
shape oval/round 33 16 13 6
shape irregular 12 13 7 7
margin circumscribed 22 7 12 5
margin not~circumscribed 23 22 8 8
t2_signal iso/hypointense 9 8 3 3
t2_signal hyperintense 20 14 8 7
t2_signal mixed 16 7 9 3
cystic_necrosis yes 31 18 11 7
cystic_necrosis no 14 11 9 6
peripheral_oedema yes 24 7 13 4
peripheral_oedema no 21 22 7 9
dce3_enhancement rim 10 12 2 6
dce3_enhancement heterogeneous 24 13 14 6
dce3_enhancement homogeneous 11 4 4 1
dce7_enhancement rim 22 9 6 7
dce7_enhancement heterogeneous 11 14 7 4
dce7_enhancement homogeneous 12 6 7 2
tic_type I~(persistent) 2 1 1 1
tic_type II~(plateau) 25 21 12 10
tic_type III~(washout) 18 7 7 2
"""
MEANS = {
    "age": ["53.27 ± 9.51", "50.17 ± 9.53", "52.35 ± 10.38", "54.08 ± 9.69"],
    "max_diameter_cm": ["2.48 ± 0.74", "2.67 ± 1.18", "2.61 ± 0.89", "2.97 ± 1.24"],
}
P_VALUES = {"age": ["0.176", "0.635"], "max_diameter_cm": ["0.392", "0.342"]}


def kept(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["exclusion"].isna()]


def groups(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [kept(table).query(f"set == '{name}' and fish == '{fish}'") for name, fish in GROUPS]


@pytest.mark.parametrize("seed", [20260114, 1, 2])
def test_published_tables_come_out_of_the_rows(seed: int) -> None:
    table, _, _ = plan(patients=107, seed=seed, null=False)
    parts = groups(table)
    assert [len(part) for part in parts] == [45, 29, 20, 13]
    for line in PRINTED.split("\n")[1:-1]:
        variable, level, *counts = line.split()
        found = [int((part[variable] == level.replace("~", " ")).sum()) for part in parts]
        assert found == [int(count) for count in counts], line
    for variable, printed in MEANS.items():
        assert [f"{p[variable].mean():.2f} ± {p[variable].std():.2f}" for p in parts] == printed
        p_values = [stats.ttest_ind(a[variable], b[variable]).pvalue for a, b in (parts[:2], parts[2:])]
        assert [f"{p:.3f}" for p in p_values] == P_VALUES[variable]
    assert kept(table)["age"].min() >= 18
    assert kept(table)["max_diameter_cm"].min() >= 0.8


def test_the_exclusion_flow_is_counted_from_the_table() -> None:
    table, _, _ = plan(patients=107, seed=3, null=False)
    assert len(table) == 133
    assert table["exclusion"].value_counts().to_dict() == EXCLUDED
    assert sorted(EXCLUDED.values()) == [2, 3, 5, 5, 11]
    assert table["patient_id"].is_unique
    assert table["patient_id"].str.startswith("SYN-").all()


@pytest.mark.parametrize("patients", [20, 41, 106, 250])
def test_other_sizes_keep_both_classes_in_both_sets(patients: int) -> None:
    table, truth, plans = plan(patients=patients, seed=1, null=False)
    assert len(kept(table)) == len(plans) == patients
    assert min(len(part) for part in groups(table)) >= 2
    share = kept(table)["fish"].eq("positive").mean()
    assert abs(share - 42 / 107) < 0.05
    assert truth["doubly_read"].sum() == max(5, round(35 * patients / 107))


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(UsageError, match="20"):
        plan(patients=19, seed=1, null=False)


def test_null_permutes_the_outcome_within_each_set_and_nothing_else() -> None:
    table, _, plans = plan(patients=107, seed=4, null=False)
    permuted, truth, again = plan(patients=107, seed=4, null=True)
    pd.testing.assert_frame_equal(table.drop(columns="fish"), permuted.drop(columns="fish"))
    assert [patient.scores for patient in plans] == [patient.scores for patient in again]
    assert kept(table).groupby("set")["fish"].value_counts().equals(
        kept(permuted).groupby("set")["fish"].value_counts()
    )  # fmt: skip
    moved = (truth["fish_made_from"] != truth["fish_in_table"]).mean()
    assert 0.3 < moved < 0.65


def test_scores_have_the_ceilings_that_are_documented() -> None:
    _, truth, _ = plan(patients=4000, seed=5, null=False)
    positive = truth["fish_made_from"] == "positive"
    for sequence, ceiling in {"T2WI": 0.5, "DWI": 0.8, "DCE3": 0.7, "DCE7": 0.8}.items():
        score = truth[f"score_{sequence}"]
        u = stats.mannwhitneyu(score[positive], score[~positive]).statistic
        assert u / (positive.sum() * (~positive).sum()) == pytest.approx(ceiling, abs=0.02)
    within = truth.loc[~positive, [f"score_{name}" for name in ("T2WI", "DWI", "DCE3", "DCE7")]].corr().to_numpy()
    assert np.all((within[np.triu_indices(4, 1)] > 0.3) & (within[np.triu_indices(4, 1)] < 0.5))


def test_words_follow_the_looks_but_looks_do_not_follow_the_outcome() -> None:
    table, truth, _ = plan(patients=3000, seed=6, null=False)
    rows = kept(table).merge(truth, on="patient_id")
    for variable, level, trait in (
        ("margin", "not circumscribed", "trait_spiculation"),
        ("peripheral_oedema", "yes", "trait_oedema"),
    ):
        has = rows[variable] == level
        assert rows.loc[has, trait].mean() > rows.loc[~has, trait].mean() + 0.5
        positive = rows["fish"] == "positive"
        assert abs(rows.loc[positive, trait].mean() - rows.loc[~positive, trait].mean()) < 0.12
