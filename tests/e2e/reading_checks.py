"""Comparisons of a study's record and run with the scripted readers' own record."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from e2e.reading_oracle import NONE, agreement_of_items, dice, dice_table, excluded, finals, icc21


def check_run(data, out, plan, record, lead, above, *, masks="masks", report=True):
    """All of them: masks, answers, cohort, agreement, lead's page, report; `masks` is the folder of mask files."""
    gone = excluded(record, plan.readers[0], plan.patients)
    kept = [patient for patient in plan.patients if patient not in gone]
    check_masks(data, data / masks, record)
    check_answers(data, plan, record, above)
    check_cohort(out, plan, record, above, kept, gone)
    check_agreement(out, plan, record, kept)
    check_features(out, plan, record, kept)
    check_lead(lead, plan, record)
    check_summary(data, plan, record)
    if report:
        check_report(out, plan, record, kept)


def check_masks(data, masks, record):
    """Mask files are the masks as last closed, on the image's own grid; there are no others."""
    files = {file.relative_to(masks).as_posix() for file in masks.glob("*/*.nii.gz")}
    assert files == {f"{patient}/{sequence}_{reader}.nii.gz" for reader, patient, sequence in record.masks}
    for (reader, patient, sequence), mask in record.masks.items():
        image = nib.load(data / "images" / patient / f"{sequence}.nii.gz")
        written = nib.load(masks / patient / f"{sequence}_{reader}.nii.gz")
        np.testing.assert_array_equal(np.asarray(written.dataobj), mask)
        np.testing.assert_array_equal(written.affine, image.affine)
    assert record.again, "nothing was repeated"
    for (reader, patient, sequence), mask in record.again.items():
        written = nib.load(data / "reading" / "repeats" / patient / "1" / f"{sequence}_{reader}.nii.gz")
        np.testing.assert_array_equal(np.asarray(written.dataobj), mask)


def check_answers(data, plan, record, above):
    """answers.csv: first locked answers, the arbiter's decisions, final values with averaged numbers."""
    table = pd.read_csv(data / "reading" / "answers.csv", dtype={"patient": str}).set_index("patient")
    assert sorted(table.index) == plan.patients
    changed = [key for key, values in record.first.items() if values != record.final[key]]
    assert changed, "no answer was changed after reopening"
    expected = finals(record, plan.readers, plan.patients, plan.levels, above)
    for patient in plan.patients:
        for item in plan.levels:
            for place, reader in enumerate(plan.readers, 1):
                assert _same(table.loc[patient, f"{item}_r{place}"], record.first[reader, patient][item])
            if item != "likelihood":
                assert _same(table.loc[patient, f"{item}_final"], expected[patient, item]), (patient, item)
                decided = record.arbitrated.get(patient, {}).get(item)
                assert _same(table.loc[patient, f"{item}_arbiter"], decided), (patient, item)
    for patient, others in record.shown.items():
        given = [{item: record.first[reader, patient][item] for item in others[0]["values"]} for reader in plan.readers]
        shown = [one["values"] for one in others]
        assert shown in (given, given[::-1]), patient
    orders = {tuple(record.shown[patient][0]["values"].items()) ==
              tuple((item, record.first[plan.readers[0], patient][item]) for item in record.shown[patient][0]["values"])
              for patient in record.shown}  # fmt: skip
    assert orders == {True, False}, "one reader is always A"


def _same(cell, value):
    if value is None:
        return pd.isna(cell)
    if isinstance(value, str):
        return str(cell) == value
    return float(cell) == pytest.approx(value, abs=1e-9)


def check_cohort(out, plan, record, above, kept, gone):
    """Exclusions, sequences that do not show the lesion, and clinical values of the cohort."""
    left = pd.read_csv(out / "cohort" / "excluded.csv", dtype=str).set_index("patient")["reason"]
    for patient, sequences in gone.items():
        assert left[patient] == "; ".join(f"{name} not evaluable: motion, very strong" for name in sequences)
    absent = pd.read_csv(out / "cohort" / "absent.csv", dtype=str)
    assert {tuple(row) for row in absent[["patient", "sequence"]].to_numpy()} == plan.unseen()
    rows = pd.read_csv(out / "cohort" / "rows.csv", dtype={"patient": str}, keep_default_na=False).set_index("patient")
    assert sorted(rows.index) == kept
    for (patient, item), value in finals(record, plan.readers, kept, plan.levels, above).items():
        cell = rows.loc[patient, item]
        assert cell == "" if value in (None, NONE) else _same(cell, value), (patient, item, cell, value)


def check_agreement(out, plan, record, kept):
    """agree/masks.csv and agree/kappa.csv."""
    masks = pd.read_csv(out / "agree" / "masks.csv", dtype={"patient": str})
    found = {(row.patient, row.sequence): row.dice for row in masks.itertuples()}
    expected = dice_table(record, plan.readers, kept, plan.unseen())
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-12)
    table = pd.read_csv(out / "agree" / "kappa.csv").set_index("variable")
    for item, (value, count) in agreement_of_items(record, plan.readers, kept, plan.levels).items():
        row = table.loc[item]
        assert row["n"] == count, item
        assert row["icc" if plan.levels[item] is None else "kappa"] == pytest.approx(value, abs=1e-9), item
    assert set(table.index) == set(plan.levels)


def check_features(out, plan, record, kept):
    """agree/icc.csv: ICC of features over the lesions that both readers drew."""
    frame = pd.read_parquet(out / "extract" / "features.parquet")
    table = pd.read_csv(out / "agree" / "icc.csv").set_index(["sequence", "feature"])
    a, b = plan.readers
    for sequence in plan.sequences:
        both = sorted(patient for patient, name in dice_table(record, plan.readers, kept, plan.unseen())
                      if name == sequence)  # fmt: skip
        for feature in ("original_shape_VoxelVolume", "original_firstorder_Mean", "original_glcm_Contrast"):
            column = frame[feature].reset_index()
            values = column.set_index(["patient", "sequence", "reader"])[feature]
            first, second = ([float(values[patient, sequence, reader]) for patient in both] for reader in (a, b))
            assert table.loc[(sequence, feature), "lesions"] == len(both)
            assert table.loc[(sequence, feature), "icc"] == pytest.approx(icc21(first, second), abs=1e-6)


def check_lead(lead, plan, record):
    """The lead's page, over all patients: the lead sees no exclusions."""
    agreement, differing = lead
    expected = dice_table(record, plan.readers, plan.patients, set())
    for row in agreement["masks"]:
        values = [value for (_, sequence), value in expected.items() if sequence == row["sequence"]]
        assert row["n"] == len(values)
        assert row["dice"]["median"] == pytest.approx(np.median(values))
        assert row["dice"]["lowest"] == pytest.approx(min(values))
        volumes = [[record.masks[reader, patient, row["sequence"]].sum() for reader in plan.readers]
                   for patient, sequence in expected if sequence == row["sequence"]]  # fmt: skip
        assert row["icc"]["value"] == pytest.approx(icc21(*zip(*volumes, strict=True)), abs=1e-6)
    items = {row["item"]: row for row in agreement["items"]}
    for item, (value, count) in agreement_of_items(record, plan.readers, plan.patients, plan.levels).items():
        assert items[item]["n"] == count and items[item]["value"] == pytest.approx(value, abs=1e-9)
    assert differing["masks"][0]["dice"] == pytest.approx(min(expected.values()))


def check_summary(data, plan, record):
    """summary.json: agreement of each reader with himself, time between readings, what was reopened."""
    summary = json.loads((data / "reading" / "summary.json").read_text(encoding="utf-8"))
    for row in summary["repeated_masks"]:
        own = [dice(mask, record.masks[key]) for key, mask in record.again.items()
               if key[0] == row["reader"] and key in record.masks]  # fmt: skip
        assert (row["masks"], row["dice_median"]) == (len(own), pytest.approx(np.median(own)))
        assert (row["dice_low"], row["dice_high"]) == (pytest.approx(min(own)), pytest.approx(max(own)))
    assert {row["reader"] for row in summary["repeated_masks"]} == set(plan.readers)
    for row in summary["repeated_items"]:
        item, words = row["item"], plan.levels[row["item"]]
        both = [(record.first[key][item], again[item]) for key, again in record.repeated.items()
                if key[0] == row["reader"]]  # fmt: skip
        both = [pair for pair in both if NONE not in pair]
        assert row["lesions"] == len(both)
        if row["value"] is not None:
            first, second = zip(*both, strict=True)
            value = icc21(first, second) if words is None else cohen_kappa_score(first, second, labels=list(words))
            assert row["value"] == pytest.approx(value, abs=1e-6), row
    assert any(row["value"] is not None for row in summary["repeated_items"])
    assert 28 <= summary["shortest_wash_out_days"] < 30
    assert summary["met_again"] >= len(plan.patients)
    assert summary["reopened"] > 0 and summary["masks"] == len(record.masks)


def check_report(out, plan, record, kept):
    """The report's tables of agreement, as printed."""
    printed = pd.read_csv(out / "report" / "tables" / "kappa.csv")
    expected = agreement_of_items(record, plan.readers, kept, plan.levels)
    assert len(printed) == len(expected)
    page = (out / "report.html").read_text(encoding="utf-8")
    for value, _ in expected.values():
        assert f"{value:.2f}".replace("-", "\N{MINUS SIGN}") in page
    values = dice_table(record, plan.readers, kept, plan.unseen())
    for sequence in plan.sequences:
        own = [value for (_, name), value in values.items() if name == sequence]
        assert f"{np.median(own):.3f}" in page or f"{np.median(own):.2f}" in page
    told = record.again
    by_reader = {reader: [dice(mask, record.masks[key]) for key, mask in told.items()
                          if key[0] == reader and key in record.masks] for reader in plan.readers}  # fmt: skip
    for reader, own in by_reader.items():
        assert f"{reader} {np.median(own):.3f}" in page
