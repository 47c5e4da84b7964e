"""The leak detector: a planted case of each kind is found, and noise raises no alarm."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.leaks import Inspected, duplicates, find_leaks, volume_of
from radstudy.modelling.leaks.coded import p_of_separation
from radstudy.modelling.leaks.scaling import effective_number, scaled_columns
from radstudy.table import FeatureTable

ROWS, FEATURES = 90, 60


def study(seed=0, rows=ROWS, features=FEATURES, given=True):
    """Correlated noise on two sequences, noise clinical variables, dates and sites: nothing is wrong."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"P{i:03d}" for i in range(rows)], ["1"]], names=["patient", "lesion"])
    y = rng.permutation(np.arange(rows) % 5 < 2).astype(int)
    frame = pd.DataFrame({"outcome": y, "set": np.where(rng.random(rows) < 0.7, "training", "testing")}, index=index)
    frame["age"] = rng.normal(50, 9, rows)
    frame["margin"] = pd.Categorical(np.where(rng.random(rows) < 0.4, "rough", "smooth"), ["smooth", "rough"])
    frame.loc[index[rng.random(rows) < 0.1], "age"] = np.nan
    days = pd.Timestamp("2019-03-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    others = pd.DataFrame({"scan_date": days.strftime("%d.%m.%Y"), "site": rng.choice(list("ABC"), rows)}, index=index)
    parts = []
    for sequence in ("T2", "DWI"):
        hidden = rng.normal(size=(rows, 12))
        values = hidden @ rng.normal(size=(12, features)) + rng.normal(size=(rows, features))
        table = pd.DataFrame(100 + 20 * values, index=index, columns=[f"original_made_F{i}" for i in range(features)])
        table["original_shape_MeshVolume"] = np.exp(8 + rng.normal(size=rows))
        parts.append(pd.concat({(sequence, "a"): table}, names=["sequence", "reader"]).reorder_levels([2, 3, 0, 1]))
    features = FeatureTable(pd.concat(parts))
    volumes = {name: volume_of(features.of(name, "a")) for name in ("T2", "DWI")}
    score = pd.Series(rng.random(rows), index=index)
    return Inspected(
        rows=frame, candidates=("age", "margin"), outcome_words=("malignant", "HER2 status"), others=others,
        features=features, given=given, reader="a", sequences=("T2", "DWI"), volumes=volumes,
        acquisition={"the matrix of T2": pd.Series(rng.choice(["320 x 320", "256 x 256"], rows), index=index)},
        scores={"T2": score}, of_model={"T2": ("T2",)},
    )  # fmt: skip


def replaced(seen, **changes):
    return dataclasses.replace(seen, **changes)


def with_features(seen, change, sequence="T2"):
    """The study with the features of one sequence changed."""
    frame = seen.features.frame.copy()
    rows = frame.index.get_level_values("sequence") == sequence
    part = frame[rows].droplevel(["sequence", "reader"])
    frame.loc[rows] = change(part).to_numpy()
    return replaced(seen, features=FeatureTable(frame))


def only(seen):
    found = find_leaks(seen)
    assert len(found) == 1, [str(finding) for finding in found]
    return found[0]


def test_noise_raises_no_alarm():
    found = {seed: [str(one) for one in find_leaks(study(seed))] for seed in range(30)}
    assert sum(map(bool, found.values())) <= 1, found  # one study in a hundred is allowed


def test_what_is_not_known_yet_is_not_looked_at():
    seen = study()
    assert find_leaks(Inspected(rows=seen.rows)) == []


# --- scaling and selection ---------------------------------------------------------------------------------------


def zscored(part):
    return (part - part.mean()) / part.std()


@pytest.mark.parametrize("scale", [
    lambda part: (part - part.median()) / (part.quantile(0.75) - part.quantile(0.25)),
    zscored,
    lambda part: zscored(part).round(3),
    lambda part: (part - part.mean()) / part.std(ddof=0),
    lambda part: (part - part.min()) / (part.max() - part.min()),
    lambda part: 2 * (part - part.min()) / (part.max() - part.min()) - 1,
])  # fmt: skip
def test_scaling_over_all_rows_is_found(scale):
    finding = only(with_features(study(), scale))
    assert (finding.severity, finding.check) == ("error", "scaling")
    assert "training and testing rows together" in finding.what
    assert "T2: original_made_F0" in finding.where
    assert "90 rows" in finding.evidence


def test_scaling_by_the_training_rows_alone_is_no_leak():
    seen = study()
    training = (seen.rows["set"] == "training").to_numpy()
    assert find_leaks(with_features(seen, lambda p: (p - p[training].mean()) / p[training].std())) == []


def test_each_set_scaled_by_itself_is_found():
    seen = study()

    def change(part):
        return part.groupby(seen.rows["set"].to_numpy()).transform(
            lambda column: (column - column.mean()) / column.std()
        )

    finding = only(with_features(seen, change))
    assert finding.severity == "error"
    assert "the testing rows of T2 were scaled by their own values and so were the training rows" in finding.what


def test_counts_with_a_median_of_0_and_quartiles_1_apart_are_not_scaled():
    counts = pd.DataFrame({name: [0, 0, 0, 0, 1, 1, 2, 3, 0] for name in ("a", "b", "c")}, dtype=float)
    assert scaled_columns(counts) is None


def test_an_outcome_in_a_column_with_gaps_is_found():
    def gaps(part):
        coded = seen.rows["outcome"].astype(float) * 3 + 7
        coded.iloc[[2, 30, 61]] = np.nan
        return part.assign(original_made_F7=coded)

    seen = study()
    finding = only(with_features(seen, gaps))
    assert (finding.severity, finding.where) == ("error", "T2: original_made_F7") and "87 rows" in finding.evidence


def test_a_column_that_only_one_class_has_is_found():
    """The training median fills the gaps of one class with one value: the model reads the outcome off it."""
    seen = study()
    positive = seen.rows["outcome"] == 1
    finding = only(with_features(seen, lambda p: p.assign(original_made_F7=p["original_made_F7"].mask(positive))))
    assert (finding.severity, finding.where) == ("error", "T2: whether original_made_F7 is available")


def test_two_indicator_columns_are_not_scaled():
    part = study().table_of("T2").iloc[:, :4]
    part = part.assign(one=np.arange(len(part)) % 2, two=np.arange(len(part)) % 3 == 0)
    assert scaled_columns(part.iloc[:, 2:].astype(float)) is None


def test_columns_chosen_on_all_patients_are_found():
    seen = study(features=2000)
    from radstudy.statistics import mann_whitney_columns

    table = seen.table_of("T2").drop(columns="original_shape_MeshVolume")
    chosen = table.columns[mann_whitney_columns(table.to_numpy(), seen.rows["outcome"].to_numpy()) < 0.05]
    assert len(chosen) > 20
    frame = seen.features.frame[list(chosen)]
    kept = replaced(seen, features=FeatureTable(frame[frame.index.get_level_values("sequence") == "T2"]),
                    sequences=("T2",), volumes={}, scores={})  # fmt: skip
    finding = only(kept)
    assert (finding.severity, finding.check) == ("warning", "selection")
    assert find_leaks(replaced(kept, given=False)) == []  # of features that radstudy extracted nothing was left out


def test_the_effective_number_of_columns():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(40, 1))
    assert effective_number(np.hstack([one, one, one])) == pytest.approx(1)
    independent = np.linalg.qr(rng.normal(size=(40, 7)) - 0)[0]
    independent = np.linalg.qr(independent - independent.mean(axis=0))[0]
    assert effective_number(independent) == pytest.approx(7)
    # eigenvalues 2.6, 0.2, 0.2 of three columns correlated by 0.8: 1 + 0.6 + 0.2 + 0.2 by Li and Ji's formula
    factor = np.linalg.cholesky(np.full((3, 3), 0.8) + 0.2 * np.eye(3))
    assert effective_number(independent[:, :3] @ factor.T) == pytest.approx(2.0)


# --- one patient twice -------------------------------------------------------------------------------------------


def doubled(seen, noise=0.0, across=True):
    """P000's features under another patient's identifier, of the other or the same set."""
    sets = seen.rows["set"].to_numpy()
    other = int(np.flatnonzero((sets != sets[0]) == across)[-1])

    def change(part):
        part = part.copy()
        rng = np.random.default_rng(0)
        part.iloc[other] = part.iloc[0] * (1 + noise * rng.normal(size=part.shape[1]))
        return part

    both = with_features(with_features(seen, change), change, "DWI")
    return both, f"P000 = P{other:03d}"


@pytest.mark.parametrize(("across", "severity"), [(True, "error"), (False, "warning")])
def test_identical_features_under_two_identifiers(across, severity):
    seen, pair = doubled(study(), across=across)
    finding = only(seen)
    assert (finding.severity, finding.check, finding.where) == (severity, "one patient twice", pair)
    assert finding.what.startswith("the same features")


def test_nearly_identical_features_under_two_identifiers():
    seen, pair = doubled(study(), noise=0.01)
    finding = only(seen)
    assert (finding.severity, finding.where) == ("error", pair)
    assert "nearly the same features" in finding.what


def test_distances_a_few_rows_at_a_time_find_the_pairs_that_all_at_once_do(monkeypatch):
    seen, _ = doubled(study(), noise=0.01)
    expected = duplicates._near_features(seen)
    assert expected
    most = []
    whole = duplicates._distances
    monkeypatch.setattr(duplicates, "_CELLS", 7 * ROWS)
    monkeypatch.setattr(
        duplicates, "_distances",
        lambda *arguments: ((most.append(part.shape), (rows, part))[1] for rows, part in whole(*arguments)),
    )  # fmt: skip
    assert duplicates._near_features(seen) == expected
    assert max(most) <= (7, len(seen.rows)) and len(most) > len(seen.rows) // 7


def test_lesions_with_one_grey_level_are_not_one_patient():
    """All textures of such lesions are 0 or 1 whoever they are; outline and intensities tell them apart."""

    def change(part):
        part = part.copy()
        part.iloc[:2, :55] = 1.0
        return part

    assert find_leaks(with_features(with_features(study(), change), change, "DWI")) == []


def test_two_lesions_of_one_patient_may_be_alike():
    seen, _ = doubled(study())
    same = seen.rows.index.get_level_values("patient")
    other = _.split(" = ")[1]

    def renamed(index):
        return index.set_levels(index.levels[0], level=0).map(
            lambda key: ("P000", "2", *key[2:]) if key[0] == other else key)  # fmt: skip

    assert other in same
    rows, frame = seen.rows.copy(), seen.features.frame.copy()
    rows.index = renamed(rows.index).set_names(["patient", "lesion"])
    frame.index = renamed(frame.index).set_names(["patient", "lesion", "sequence", "reader"])
    assert find_leaks(replaced(seen, rows=rows, features=FeatureTable(frame), others=None, volumes={}, scores={},
                               acquisition={})) == []  # fmt: skip


def test_the_same_image_file_under_two_identifiers():
    seen = study()
    files = {(patient, lesion, "T2"): f"hash {patient}" for patient, lesion in seen.rows.index}
    sets = seen.rows["set"].to_numpy()
    other = f"P{int(np.flatnonzero(sets != sets[0])[-1]):03d}"
    files[other, "1", "T2"] = "hash P000"
    finding = only(replaced(seen, files=files))
    assert (finding.severity, finding.where) == ("error", f"P000 = {other}")
    assert finding.what.startswith("the same image file")


@pytest.mark.parametrize(("first", "second", "how"), [
    ("PAT-007", "pat7", "punctuation, case or leading zeros"), ("K12_L", "K12_R", "only by side"),
    ("K12 left", "K12 right", "only by side"),
])  # fmt: skip
def test_identifiers_that_differ_in_writing_only(first, second, how):
    seen = study()
    rows = seen.rows.copy()
    rows.iloc[0, rows.columns.get_loc("set")], rows.iloc[1, rows.columns.get_loc("set")] = "training", "testing"
    names = list(rows.index.get_level_values("patient"))
    names[:2] = first, second
    rows.index = pd.MultiIndex.from_product([names, ["1"]], names=["patient", "lesion"])
    finding = only(Inspected(rows=rows))
    assert finding.check == "one patient twice"
    assert how in finding.what
    assert finding.where in (f"{first} = {second}", f"{second} = {first}")


def test_ordinary_numbers_are_different_patients():
    rows = study().rows
    names = [f"S-{i // 30}-{i % 30}" for i in range(len(rows))]
    rows.index = pd.MultiIndex.from_product([names, ["1"]], names=["patient", "lesion"])
    assert find_leaks(Inspected(rows=rows)) == []


# --- outcome in a column -----------------------------------------------------------------------------------------


def test_a_clinical_variable_that_is_the_outcome():
    seen = study()
    rows = seen.rows.assign(fish_ratio=1.5 + 2 * seen.rows["outcome"] + np.linspace(0, 0.4, ROWS))
    finding = only(replaced(seen, rows=rows, candidates=(*seen.candidates, "fish_ratio")))
    assert (finding.severity, finding.check, finding.where) == ("error", "outcome in a column", "fish_ratio")
    assert find_leaks(replaced(seen, rows=rows)) == []  # described, not used


def test_levels_that_say_the_outcome_but_for_one_patient():
    seen = study()
    told = seen.rows["outcome"].to_numpy().copy()
    told[3] = 1 - told[3]
    levels = pd.Categorical(np.where(told == 1, "total", "partial"), ["partial", "total"])
    finding = only(replaced(seen, rows=seen.rows.assign(surgery=levels), candidates=("age", "surgery")))
    assert (finding.severity, finding.where) == ("warning", "surgery")
    assert "nearly a function" in finding.what


def test_a_feature_that_is_the_outcome():
    seen = study()
    y = seen.rows["outcome"].to_numpy()
    finding = only(with_features(seen, lambda part: part.assign(original_made_F3=y + np.linspace(0, 0.5, ROWS))))
    assert (finding.severity, finding.where) == ("error", "T2: original_made_F3")


def test_a_column_called_like_the_outcome():
    seen = study()
    finding = only(replaced(seen, rows=seen.rows.rename(columns={"age": "HER2_copies"}),
                            candidates=("HER2_copies", "margin")))  # fmt: skip
    assert (finding.severity, finding.where) == ("warning", "HER2_copies")


@pytest.mark.parametrize(("n", "positive"), [(5, 2), (6, 3), (7, 1)])
def test_the_probability_of_separation_by_counting_all_orders(n, positive):
    orders = set(itertools.permutations([1] * positive + [0] * (n - positive)))
    separated = sum(list(order) in (sorted(order), sorted(order, reverse=True)) for order in orders)
    assert p_of_separation(np.array([1] * positive + [0] * (n - positive))) == pytest.approx(separated / len(orders))


# --- batches -----------------------------------------------------------------------------------------------------


def test_rows_sorted_by_the_outcome_are_a_note():
    seen = study()
    order = np.argsort(seen.rows["outcome"].to_numpy(), kind="stable")
    finding = only(replaced(seen, rows=seen.rows.iloc[order]))
    assert (finding.severity, finding.where) == ("note", "row")


def test_identifiers_that_follow_the_outcome():
    seen = study()
    rows = seen.rows.assign(outcome=np.sort(seen.rows["outcome"].to_numpy()))
    shuffled = rows.sample(frac=1, random_state=1)
    finding = only(Inspected(rows=shuffled))
    assert (finding.severity, finding.where) == ("error", "identifier")
    assert "AUC 1.000" in finding.evidence


def batch(seen, share, column, values):
    """A column whose two values follow the outcome in a share of the patients."""
    rng = np.random.default_rng(5)
    follows = rng.random(ROWS) < share
    code = np.where(follows, seen.rows["outcome"].to_numpy(), rng.integers(0, 2, ROWS))
    return replaced(seen, others=seen.others.assign(**{column: np.where(code == 1, *values)}))


@pytest.mark.parametrize(("share", "severity"), [(0.6, "warning"), (1.0, "error")])
def test_a_scanner_that_predicts_the_outcome(share, severity):
    finding = only(batch(study(), share, "Scanner", ("Skyra", "Ingenia")))
    assert (finding.severity, finding.check, finding.where) == (severity, "batch aligned with outcome", "Scanner")
    assert "positive: " in finding.evidence


def test_dates_that_follow_the_outcome():
    finding = only(batch(study(), 0.7, "mri", ("2021-05-04", "2018-01-30")))
    assert finding.what == "the date 'mri' follows the outcome"
    assert "the positive ones later" in finding.evidence


def test_a_column_without_such_a_name_is_nobodys_batch():
    assert find_leaks(batch(study(), 1.0, "comment", ("a", "b"))) == []


def test_an_acquisition_that_predicts_the_outcome():
    seen = study()
    size = pd.Series(np.where(seen.rows["outcome"] == 1, "320 x 320", "256 x 256"), index=seen.rows.index)
    finding = only(replaced(seen, acquisition={"the matrix of DWI": size}))
    assert (finding.severity, finding.where) == ("error", "the matrix of DWI")


def test_values_that_are_missing_in_one_class():
    seen = study()
    rows = seen.rows.copy()
    rows.loc[rows.index[(rows["outcome"] == 1).to_numpy()][:25], "age"] = np.nan
    finding = only(replaced(seen, rows=rows))
    assert (finding.severity, finding.where) == ("warning", "age")


# --- volume ------------------------------------------------------------------------------------------------------


def test_a_model_that_only_follows_the_volume():
    seen = study()
    y = seen.rows["outcome"]
    volume = seen.volumes["T2"] * np.exp(1.5 * y)
    told = replaced(seen, volumes={"T2": volume})
    assert find_leaks(told) == []  # a telling volume is no fault of the model
    finding = only(replaced(told, scores={"T2": 1 / (1 + np.exp(8 - np.log(volume)))}))
    assert (finding.severity, finding.where) == ("warning", "T2")
    assert "rho of its probabilities with the volume 1.00" in finding.evidence


def test_features_that_are_the_volume_in_other_words():
    seen = study(given=False)
    volume = seen.volumes["T2"].to_numpy()

    def change(part):
        made = {name: volume**power * np.exp(0.01 * np.arange(ROWS) % 3) for name, power in
                zip(part.columns[:45], np.linspace(0.3, 2, 45), strict=True)}  # fmt: skip
        return part.assign(**made)

    finding = only(with_features(seen, change))
    assert (finding.severity, finding.check) == ("note", "volume as a confounder")


@pytest.mark.parametrize(("other", "severity"), [("testing", "error"), ("training", "warning")])
def test_one_person_under_two_patient_ids_by_name_and_birth_date(other, severity):
    seen = study()
    of_set = {which: seen.rows.index[seen.rows["set"] == which].get_level_values("patient") for which in
              ("training", "testing")}  # fmt: skip
    one, two = sorted((of_set["training"][0], of_set[other][1]))
    finding = only(replaced(seen, same_person=[(two, one), (one, "not in the study")]))
    assert (finding.severity, finding.check) == (severity, "one patient twice")
    assert finding.where == f"{one} = {two}" and "same name and birth date" in finding.what
    assert "1 pair" in finding.evidence and "identities.json" in finding.remedy


def test_what_names_were_compared_is_said_of_the_studys_patients_alone():
    from radstudy.modelling.leaks import looked_for

    seen = study()
    names = list(seen.rows.index.get_level_values("patient"))
    (said,) = [text for text in looked_for(replaced(seen, compared=[*names[:7], "elsewhere"])) if "birth" in text]
    assert said == f"one name and birth date under two PatientIDs (7 of {len(set(names))} patients could be compared)"
    for compared in ([], names[:1], ["elsewhere", "there"]):
        assert not [text for text in looked_for(replaced(seen, compared=compared)) if "birth" in text]


def test_what_was_looked_for_follows_what_is_known_of_the_study():
    from radstudy.modelling.leaks import looked_for

    index = pd.MultiIndex.from_tuples([(f"P{i}", "1") for i in range(20)], names=["patient", "lesion"])
    rows = pd.DataFrame({"outcome": [0, 1] * 10, "set": ["training"] * 14 + ["testing"] * 6}, index=index)
    bare = looked_for(Inspected(rows=rows, sequences=["T2"]))
    assert bare[0] == "identifiers that differ only by punctuation, case, leading zeros or side (20 patients)"
    assert not [text for text in bare if "image" in text or "scaling" in text or "volume" in text]
    sites = pd.DataFrame({"site": ["A", "B"] * 10}, index=index)
    seen = looked_for(Inspected(rows=rows, sequences=["T2"], images=40, others=sites))
    assert "one image file under two patients (40 files)" in seen
    assert seen[-1] == "an outcome that follows the order of the rows, the identifiers, site"
    whole = study()
    frame = whole.features.frame
    lacking = (frame.index.get_level_values("sequence") == "DWI") & (np.arange(len(frame)) % 7 == 0)
    seen = looked_for(replaced(whole, features=FeatureTable(frame[~lacking])))
    (aligned,) = [text for text in seen if text.startswith("an outcome that follows")]
    assert aligned.endswith("the matrix of T2, the presence of age, the presence of DWI")
    assert seen[-1] == (
        "a model that only follows the lesion's volume where the volume itself predicts the outcome (p < 0.01; volumes "
        "on T2, DWI)"
    )
