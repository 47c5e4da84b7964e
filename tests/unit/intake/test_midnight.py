"""A dynamic scan over midnight: in order where the headers let it be known, else for review; never turned round."""

from dataclasses import replace

import numpy as np
import pytest

from radstudy import Volume
from radstudy.store import read_json

TIMES = ("235730.00", "235900.00", "000030.00", "000200.00")
DATES = {
    "no dates": dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate"), None),
    "all 19000101": dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate"), "19000101"),
    "the date of the series for all": {"SeriesDate": "20240305"},
}


def scan_at(synthetic, times, tag="AcquisitionTime", **tags):
    scan = synthetic.dynamic()
    volumes = tuple(synthetic.Volume(1000 * (n + 1), {tag: time}) for n, time in enumerate(times))
    return replace(scan, tags={**scan.tags, **tags}, volumes=volumes)


def check_order(outcome, out, seconds):
    folder = out / outcome.plans[0].name
    for number, second in enumerate(seconds, 1):
        voxels = Volume.read(folder / f"DCE{number}.nii.gz").voxels
        np.testing.assert_array_equal(voxels[0, 0, :], 1000 * number + np.arange(voxels.shape[2]))
        assert read_json(folder / f"DCE{number}.json")["seconds_since_first_phase"] == second


@pytest.mark.parametrize("dates", DATES)
@pytest.mark.parametrize("tag", ["AcquisitionTime", "ContentTime"])
@pytest.mark.parametrize("one_series", [True, False])
def test_phases_over_midnight_are_in_order(synthetic, imported, roles, tmp_path, dates, tag, one_series):
    scan = scan_at(synthetic, TIMES, tag, **DATES[dates])
    scans = [scan]
    if not one_series:
        scans = [replace(scan, volumes=(v,), number=10 + n, uid=f"s{n}") for n, v in enumerate(scan.volumes)]
    synthetic.write(tmp_path / "in", *scans)
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3", "DCE4"]
    check_order(outcome, tmp_path / "out", [0, 90, 180, 270])
    assert "over midnight" in (tmp_path / "out" / "series.csv").read_text("utf-8")


def test_a_phase_whose_own_slices_lie_on_both_sides(synthetic, imported, roles, tmp_path):
    scan = scan_at(synthetic, TIMES, **DATES["no dates"])
    clock = [("2357", 0), ("2359", 30), ("0001", 0)]
    (tmp_path / "in").mkdir()
    for phase, (minute, second) in enumerate(clock):
        for number in range(scan.slices):
            late = second + 10 * number
            time = f"{minute}{late:02d}" if late < 60 else f"0000{late - 60:02d}"
            volume = synthetic.Volume(1000 * (phase + 1), {"AcquisitionTime": time})
            dataset = synthetic.instance(scan, volume, number)
            dataset.InstanceNumber = scan.slices * phase + number + 1
            dataset.save_as(tmp_path / "in" / f"{phase}-{number}.dcm", enforce_file_format=True)
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3"]
    check_order(outcome, tmp_path / "out", [0, 150, 240])


def test_where_the_numbers_say_nothing_a_reader_decides(synthetic, imported, tmp_path):
    scan = scan_at(synthetic, TIMES, **DATES["no dates"], InstanceNumber=None)
    synthetic.write(tmp_path / "in", scan)
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}
    assert "hours apart" in plan.items[0].decision.reason
    assert "midnight" in plan.items[0].decision.reason


def test_where_the_numbers_contradict_a_reader_decides(synthetic, imported, tmp_path):
    # numbered as the clock alone would order them
    scan = scan_at(synthetic, TIMES[2:] + TIMES[:2], **DATES["no dates"])
    synthetic.write(tmp_path / "in", scan)
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}


def test_dated_phases_over_midnight_stay_as_they_are(synthetic, imported, roles, tmp_path):
    scan = scan_at(synthetic, TIMES)
    dates = ("20240305", "20240305", "20240306", "20240306")
    volumes = tuple(
        replace(v, tags={**v.tags, "AcquisitionDate": date}) for v, date in zip(scan.volumes, dates, strict=True)
    )
    synthetic.write(tmp_path / "in", replace(scan, volumes=volumes))
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3", "DCE4"]
    check_order(outcome, tmp_path / "out", [0, 90, 180, 270])
