"""Parts of the work on images: in any order, again, or not at all, the run that collects has the results of one run."""

import shutil
import threading

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import UsageError
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.steps import extract as extract_step
from radstudy.steps import prepare as prepare_step
from radstudy.steps.shard import Shard
from radstudy.study import run, run_shard
from radstudy.working import one_shard, only_run

STUDY = """
study: shared out
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}_{sequence}.nii.gz"
  masks: "{patient}_{sequence}_mask.nii.gz"
  readers: [a]
sequences: [T2, DWI]
prepare: [{zscore: {scale: 100}}]
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""


@pytest.fixture
def cohort(tmp_path):
    """Five patients with two sequences; one mask has a single voxel, and one image is cut off."""
    rng = np.random.default_rng(4)
    for number in range(5):
        for sequence in ("T2", "DWI"):
            mask = np.zeros((16, 15, 9), dtype=np.uint8)
            mask[3:9, 4:10, 2:7] = 1
            if (number, sequence) == (3, "DWI"):
                mask[:] = 0
                mask[4, 4, 4] = 1
            name = f"P{number}_{sequence}"
            voxels = rng.integers(0, 400, mask.shape).astype(np.int16)
            write_raster(tmp_path / f"{name}.nii.gz", voxels, np.eye(4))
            write_raster(tmp_path / f"{name}_mask.nii.gz", mask, np.eye(4))
    cut_off = tmp_path / "P1_T2.nii.gz"
    cut_off.write_bytes(cut_off.read_bytes()[:-400])
    rows = [(f"P{number}", number % 2, "training" if number < 3 else "testing") for number in range(5)]
    pd.DataFrame(rows, columns=["id", "y", "set"]).to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path


def done(folder, name, *shards, say=lambda _: None):
    """A run's folder after these parts; the number of lost cases of each."""
    out = folder / name
    return out, [run_shard(parse_protocol(STUDY), data=folder, out=out, shard=Shard.parse(shard), jobs=1, say=say)
                 for shard in shards]  # fmt: skip


def collected(folder, out):
    lost = run(parse_protocol(STUDY), data=folder, out=out, until="extract", jobs=1)
    names = ("extract/features.parquet", "extract/lesions.csv", "extract/failures.csv", "prepare/lesions.csv",
             "prepare/volumes.csv", "prepare/failures.csv", "prepare/quality.json")  # fmt: skip
    return lost, {name: (out / name).read_bytes() for name in names}


def test_parts_in_any_order_one_repeated_and_one_damaged_give_what_one_run_gives(cohort, monkeypatch):
    whole = collected(cohort, cohort / "whole")
    out, lost = done(cohort, "shared", "3/3", "1/3", "3/3")
    assert not (out / "extract" / "provenance.json").exists()
    half = sorted((out / "extract" / "volumes").glob("*.json"))
    half[0].write_bytes(half[0].read_bytes()[:-9])  # as if its computer had been cut off
    lost += done(cohort, "shared", "2/3", "3/3")[1]
    assert lost[0] == lost[2] == lost[4]
    assert sum(lost[index] for index in (1, 3, 4)) == whole[0] > 0
    monkeypatch.setattr(prepare_step, "prepare_volume", lambda *_, **__: pytest.fail("prepared again"))
    lesions = []
    extract = extract_step.extract_lesions
    monkeypatch.setattr(extract_step, "extract_lesions", lambda *a: (lesions.append(a), extract(*a))[1])
    assert collected(cohort, out) == whole
    assert len(lesions) <= 1, "all but the damaged record are kept"


def test_a_part_that_was_never_done_is_done_by_the_run_that_collects(cohort):
    out, _ = done(cohort, "shared", "2/4")
    assert collected(cohort, out) == collected(cohort, cohort / "whole")


def test_more_parts_than_volumes_and_a_study_without_images(cohort):
    said = []
    out, lost = done(cohort, "shared", "40/40", say=said.append)
    assert lost == [0] and any("more parts than volumes" in line for line in said)
    given = parse_protocol(STUDY).model_copy(update={"features": object()})
    with pytest.raises(UsageError, match="begins at a feature table"):
        run_shard(given, data=cohort, out=out, shard=Shard(1, 2))


@pytest.mark.parametrize("wrong", ["", "0/2", "3/2", "1", "1/", "/2", "a/b", "-1/2", "1/2/3", "٣/٤"])
def test_a_part_that_is_none_is_refused_with_an_example(wrong):
    with pytest.raises(UsageError, match="1/4 to 4/4"):
        Shard.parse(wrong)
    assert str(Shard.parse("2/8")) == "2/8"
    assert [item for number in (1, 2, 3) for item in Shard(number, 3).part_of("abcdefg")] == list("adgbecf")


def test_parts_work_beside_each_other_but_not_twice_and_no_run_beside_them(cohort):
    out = cohort / "shared"
    with one_shard(out, "1/2"):
        done(cohort, "shared", "2/2")
        with pytest.raises(UsageError, match=r"shard 1-of-2 of the run is working in .*wait for it"):
            run(parse_protocol(STUDY), data=cohort, out=out, until="cohort")
        refused = []

        def again():
            try:
                done(cohort, "shared", "1/2")
            except UsageError as error:
                refused.append(str(error))

        thread = threading.Thread(target=again)
        thread.start()
        thread.join()
    assert "is doing shard 1/2" in refused[0]
    assert not list(out.glob(".shard-*")), "a lock that nobody holds is gone"
    done(cohort, "shared", "1/2")
    with only_run(out):
        pass
    shutil.rmtree(out)
