"""What a run keeps is true: of the bytes that it was computed from, not lost to a transient error, and not damaged."""

import errno
import json
import os
import pathlib
import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from radstudy import study
from radstudy.errors import CaseError
from radstudy.formats.raster import write_raster
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.steps import leaks as leaks_step
from radstudy.steps import opening as opening_step
from radstudy.steps.run import read_failures

STUDY = """
study: what is kept
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.SUFFIX"
  masks: "{patient}_mask.SUFFIX"
  readers: [a]
sequences: [T2]
prepare: [{rescale: {from: [5, 95]}}]
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""


def made(folder, suffix="nii.gz"):
    """Four patients with an image and a mask each."""
    rows = []
    for number in range(4):
        write_raster(folder / f"P{number}.{suffix}", voxels_of(number), np.eye(4))
        mask = np.zeros((20, 18, 12), dtype=np.uint8)
        mask[4:14, 3 + number : 12 + number, 2:9] = 1
        write_raster(folder / f"P{number}_mask.{suffix}", mask, np.eye(4))
        rows.append((f"P{number}", number % 2, "training" if number < 2 else "testing"))
    pd.DataFrame(rows, columns=["id", "y", "set"]).to_csv(folder / "cohort.csv", index=False)
    return folder


def voxels_of(seed):
    return np.random.default_rng(seed).integers(0, 400, (20, 18, 12)).astype(np.int16)


@pytest.fixture
def cohort(tmp_path):
    return made(tmp_path)


def run(folder, name, until="extract", suffix="nii.gz", jobs=1):
    """The number of lost cases, and what the run says."""
    said = []
    protocol = parse_protocol(STUDY.replace("SUFFIX", suffix))
    lost = study.run(protocol, data=folder, out=folder / name, until=until, jobs=jobs, say=said.append)
    return lost, said


def features(folder, name):
    return pd.read_parquet(folder / name / "extract" / "features.parquet")


def done(said):
    return [line for line in said if line.endswith("already done")]


# --- A1 ---------------------------------------------------------------------------------------------------------------


@contextmanager
def swapped_while_read(monkeypatch, reader, file, other):
    """The first time that `file` is read, another file has its name; before and after that it is itself."""
    real, times = reader.read.__func__, []

    def read(cls, path, *rest, **more):
        if pathlib.Path(path) != file or times:
            return real(cls, path, *rest, **more)
        times.append(path)
        own = file.with_name("own")
        file.rename(own)
        shutil.copy(other, file)
        try:
            return real(cls, path, *rest, **more)
        finally:
            file.unlink()
            own.rename(file)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "read", classmethod(read))
        yield times


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "mha", "nrrd"])
@pytest.mark.parametrize(("reader", "name"), [(Volume, "P1"), (Roi, "P1_mask")])
def test_a_file_that_is_another_one_while_it_is_read_leaves_no_row_of_the_other(
    tmp_path, monkeypatch, reader, name, suffix
):
    folder = made(tmp_path, suffix)
    run(folder, "undisturbed", suffix=suffix)
    other = folder / ("P3" + name.removeprefix("P1") + f".{suffix}")
    run(folder, "swapped", until="cohort", suffix=suffix)
    with swapped_while_read(monkeypatch, reader, folder / f"{name}.{suffix}", other) as times:
        run(folder, "swapped", suffix=suffix)
        assert times
    run(folder, "swapped", suffix=suffix)
    pd.testing.assert_frame_equal(features(folder, "swapped"), features(folder, "undisturbed"), check_exact=True)


def test_a_damaged_file_that_was_there_for_a_moment_does_not_lose_the_case(cohort, monkeypatch):
    run(cohort, "run", until="cohort")
    (cohort / "damaged.nii.gz").write_bytes((cohort / "P1.nii.gz").read_bytes()[:500])
    with swapped_while_read(monkeypatch, Volume, cohort / "P1.nii.gz", cohort / "damaged.nii.gz"):
        run(cohort, "run")
    assert run(cohort, "run")[0] == 0
    assert len(features(cohort, "run")) == 4


def test_a_file_that_is_saved_damaged_during_the_run_and_then_restored_does_not_lose_the_case(cohort, monkeypatch):
    run(cohort, "run", until="cohort")
    real, times, whole = Volume.read.__func__, [], (cohort / "P1.nii.gz").read_bytes()

    def read(cls, path):
        if pathlib.Path(path).name == "P1.nii.gz" and not times:
            times.append(path)
            (cohort / "P1.nii.gz").write_bytes(whole[:500])
        return real(cls, path)

    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(read))
        assert run(cohort, "run")[0] == 1
    (cohort / "P1.nii.gz").write_bytes(whole)
    assert run(cohort, "run")[0] == 0
    assert len(features(cohort, "run")) == 4


def test_an_image_that_changes_between_preparation_and_extraction_gives_no_row_of_both(cohort, monkeypatch):
    """The limits of the scale are of one image and the voxels would be of another one."""
    run(cohort, "run", until="prepare")
    real, begun, own = study._DO["extract"], [], (cohort / "P1.nii.gz").read_bytes()

    def extract(state):
        begun.append(state)
        write_raster(cohort / "P1.nii.gz", voxels_of(77), np.eye(4))
        real(state)
        (cohort / "P1.nii.gz").write_bytes(own)

    with monkeypatch.context() as patch:
        patch.setitem(study._DO, "extract", extract)
        run(cohort, "run")
        assert begun
    run(cohort, "run")
    run(cohort, "fresh")
    pd.testing.assert_frame_equal(features(cohort, "run"), features(cohort, "fresh"), check_exact=True)


def test_a_file_that_changed_for_good_during_the_run_is_prepared_as_it_is(cohort, monkeypatch):
    real, times = Volume.read.__func__, []

    def read(cls, path):
        if pathlib.Path(path).name == "P1.nii.gz" and not times:
            times.append(path)
            write_raster(cohort / "P1.nii.gz", voxels_of(77), np.eye(4))
        return real(cls, path)

    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(read))
        lost, said = run(cohort, "run")
    assert lost == 0
    assert any("was changed during this run" in line for line in said)
    assert len(done(run(cohort, "run")[1])) < 3
    assert len(done(run(cohort, "run")[1])) == 3
    run(cohort, "fresh")
    pd.testing.assert_frame_equal(features(cohort, "run"), features(cohort, "fresh"), check_exact=True)


def write_nhdr(folder, number, voxels):
    (folder / f"P{number}.raw").write_bytes(voxels.astype("<i2").tobytes(order="F"))
    (folder / f"P{number}.nhdr").write_text(
        "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 20 18 12\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n"
        f"data file: P{number}.raw\n"
    )


def write_pair(folder, number, voxels):
    write_raster(folder / "whole.nii", voxels, np.eye(4))
    raw = bytearray((folder / "whole.nii").read_bytes())
    (folder / f"P{number}.img").write_bytes(raw[352:])
    raw[344:348] = b"ni1\0"
    raw[108:112] = np.float32(0).tobytes()
    (folder / f"P{number}.hdr").write_bytes(raw[:352])


def write_mhd(folder, number, voxels):
    write_raster(folder / f"P{number}.mhd", voxels, np.eye(4))


def write_listed(folder, number, voxels):
    """A MetaImage header that names one file a slice by a pattern."""
    write_mhd(folder, number, voxels)
    for index in range(12):
        (folder / f"P{number}_{index:02d}.raw").write_bytes(voxels[:, :, index].astype("<i2").tobytes(order="F"))
    file = folder / f"P{number}.mhd"
    file.write_text(file.read_text().replace(f"P{number}.raw", f"P{number}_%02d.raw 0 11 1"))


DETACHED = {"mhd": write_mhd, "nhdr": write_nhdr, "hdr": write_pair, "pattern.mhd": write_listed}


@pytest.mark.parametrize("kind", DETACHED)
def test_voxels_that_change_beside_an_unchanged_header_are_computed_again(tmp_path, kind):
    suffix, write = kind.removeprefix("pattern."), DETACHED[kind]
    folder = made(tmp_path)
    for number in range(4):
        write(folder, number, voxels_of(number))
        (folder / f"P{number}_mask.nii.gz").rename(folder / f"P{number}_mask.{suffix}.nii.gz")
    text = STUDY.replace('_mask.SUFFIX"', f'_mask.{suffix}.nii.gz"').replace("SUFFIX", suffix)

    def study_run(name):
        study.run(parse_protocol(text), data=folder, out=folder / name, until="extract", jobs=1)
        return features(folder, name)

    before, header = study_run("run"), (folder / f"P1.{suffix}").read_bytes()
    write(folder, 1, voxels_of(77))
    assert (folder / f"P1.{suffix}").read_bytes() == header
    after = study_run("run")
    pd.testing.assert_frame_equal(after, study_run("fresh"), check_exact=True)
    assert not after.loc["P1"].equals(before.loc["P1"])
    assert after.drop("P1").equals(before.drop("P1"))


def test_one_image_in_two_places_is_seen_where_its_voxels_lie_beside_a_header(tmp_path):
    """Both headers are those of any image of the size; the copy's names its own file."""
    for number, seed in enumerate((0, 1, 0)):
        folder = tmp_path / f"P{number}"
        folder.mkdir()
        write_mhd(folder, number if seed == 0 else 1, voxels_of(seed))
    files = [tmp_path / f"P{number}" / f"P{number}.mhd" for number in range(3)]
    cases = [opening_step.Case(f"P{number}", "1", "T2", file, ()) for number, file in enumerate(files)]
    hashes = leaks_step._hashes(cases)
    assert hashes["P0", "1", "T2"] == hashes["P2", "1", "T2"] != hashes["P1", "1", "T2"]


def test_a_mask_that_was_replaced_under_its_size_and_time_is_opened_again(cohort):
    """As `cp -p` and archives leave it: the copied mask of another reader or patient was not looked at."""
    mask = np.zeros((20, 18, 12), dtype=np.uint8)
    files = [cohort / "P0_mask.nii", cohort / "P1_mask.nii"]
    for number, file in enumerate(files):
        mask[:] = 0
        mask[4:14, 3 + number : 12 + number, 2:9] = 1
        write_raster(file, mask, np.eye(4))
        file.rename(file.with_name(file.name + ".gz"))
    for number, file in enumerate(files):
        file.with_name(file.name + ".gz").unlink()
        mask[:] = 0
        mask[4:14, 3 + number : 12 + number, 2:9] = 1
        write_raster(file, mask, np.eye(4))
    text = STUDY.replace('_mask.SUFFIX"', '_mask.nii"').replace("SUFFIX", "nii.gz")
    for number in (2, 3):
        mask[:] = 0
        mask[4:14, 3 + number : 12 + number, 2:9] = 1
        write_raster(cohort / f"P{number}_mask.nii", mask, np.eye(4))
    said = []
    study.run(parse_protocol(text), data=cohort, out=cohort / "run", until="cohort", jobs=1, say=said.append)
    assert not any("same mask" in line for line in said)
    times = files[1].stat()
    shutil.copyfile(files[0], files[1])
    os.utime(files[1], ns=(times.st_atime_ns, times.st_mtime_ns))
    assert files[1].stat().st_size == times.st_size
    study.run(parse_protocol(text), data=cohort, out=cohort / "run", until="cohort", jobs=1, say=said.append)
    assert any("patients have the same mask" in line for line in said)


# --- A2 ---------------------------------------------------------------------------------------------------------------

TRANSIENT = [errno.EIO, errno.ESTALE, errno.ENOENT, errno.ENOMEM, errno.EMFILE, errno.ETIMEDOUT, errno.EACCES]


@contextmanager
def failing(monkeypatch, reader, name, error):
    """While `reader` reads, the system gives this error for the file; hashing it before goes well."""
    real_read, real_open, inside, given = reader.read.__func__, pathlib.Path.open, [], []

    def read(cls, path, *rest, **more):
        inside.append(path)
        try:
            return real_read(cls, path, *rest, **more)
        finally:
            inside.pop()

    def opened(self, *rest, **more):
        if inside and self.name == name:
            given.append(self)
            raise error
        return real_open(self, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "read", classmethod(read))
        patch.setattr(pathlib.Path, "open", opened)
        yield
        assert given


@pytest.mark.parametrize("number", TRANSIENT, ids=[errno.errorcode[number] for number in TRANSIENT])
@pytest.mark.parametrize(("reader", "name"), [(Volume, "P1.nii.gz"), (Roi, "P1_mask.nii.gz")])
def test_a_read_error_of_the_share_is_tried_again_by_the_next_run(cohort, monkeypatch, reader, name, number):
    run(cohort, "undisturbed")
    run(cohort, "run", until="cohort")
    with failing(monkeypatch, reader, name, OSError(number, os.strerror(number), name)):
        lost, _ = run(cohort, "run")
        assert lost == 1
        (failure,) = read_failures(cohort / "run" / "prepare" / "failures.csv")
        assert failure.patient == "P1" and name in failure.file and "bug" not in failure.remedy
    assert run(cohort, "run")[0] == 0
    pd.testing.assert_frame_equal(features(cohort, "run"), features(cohort, "undisturbed"), check_exact=True)
    assert len(done(run(cohort, "run")[1])) == 3


@pytest.mark.parametrize(("reader", "name"), [(Volume, "P1.nii.gz"), (Roi, "P1_mask.nii.gz")])
def test_a_read_error_of_the_step_extract_alone_is_tried_again(cohort, monkeypatch, reader, name):
    run(cohort, "undisturbed")
    run(cohort, "run", until="prepare")
    with failing(monkeypatch, reader, name, OSError(errno.EIO, "Input/output error", name)):
        assert run(cohort, "run")[0] == 1
    assert run(cohort, "run")[0] == 0
    pd.testing.assert_frame_equal(features(cohort, "run"), features(cohort, "undisturbed"), check_exact=True)


def test_what_is_kept_of_a_volume_outlives_a_run_that_cannot_read_its_image(cohort, monkeypatch):
    """The share is gone from the first look on: nothing is prepared again once it is back."""
    run(cohort, "run")
    real_open, real_read = pathlib.Path.open, Volume.read.__func__

    def opened(self, *rest, **more):
        if self.name == "P1.nii.gz" and "r" in (rest[0] if rest else more.get("mode", "r")):
            raise OSError(errno.EIO, "Input/output error", str(self))
        return real_open(self, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, "open", opened)
        lost, _ = run(cohort, "run")
        assert lost >= 1
        assert len(features(cohort, "run")) == 3
    read = []
    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(lambda cls, path: read.append(path) or real_read(cls, path)))
        assert run(cohort, "run")[0] == 0
    assert len(features(cohort, "run")) == 4
    assert read == []


@pytest.mark.parametrize("suffix", ["mha", "nrrd"])
def test_a_read_error_of_a_file_that_itk_reads_is_tried_again(tmp_path, monkeypatch, suffix):
    folder = made(tmp_path, suffix)
    run(folder, "run", until="cohort", suffix=suffix)
    with failing(monkeypatch, Volume, f"P1.{suffix}", OSError(errno.EIO, "Input/output error")):
        assert run(folder, "run", suffix=suffix)[0] == 1
    assert run(folder, "run", suffix=suffix)[0] == 0
    assert len(features(folder, "run")) == 4


def test_a_damaged_file_is_not_tried_again_until_it_changes(cohort):
    whole = (cohort / "P1.nii.gz").read_bytes()
    (cohort / "P1.nii.gz").write_bytes(whole[: len(whole) // 2])
    assert run(cohort, "run")[0] == 1
    lost, said = run(cohort, "run")
    assert lost == 1
    assert len(done(said)) == 3
    (cohort / "P1.nii.gz").write_bytes(whole)
    assert run(cohort, "run")[0] == 0


# --- A3 ---------------------------------------------------------------------------------------------------------------


def cut(raw):
    return raw[: len(raw) // 2]


def zeroed(raw):
    return bytes(len(raw))


def zeroed_at_its_end(raw):
    return raw[: len(raw) // 2] + bytes(len(raw) - len(raw) // 2)


def flipped(raw):
    """One digit is another one: it can still be read."""
    place = next(place for place in range(len(raw) * 2 // 3, len(raw)) if raw[place : place + 1] in b"12345678")
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


DAMAGES = [cut, zeroed, zeroed_at_its_end, flipped, lambda raw: b"", lambda raw: b"[]", lambda raw: b"null"]
NAMES = ["cut", "zeroed", "zeroed at its end", "flipped", "empty", "a list", "null"]


def damage(file, how):
    file.write_bytes(how(file.read_bytes()))


def begun_again(folder, *steps):
    """As where a run was killed: the records are there, the steps have not finished."""
    for step in steps:
        (folder / "run" / step / "provenance.json").unlink()


@pytest.mark.parametrize("how", DAMAGES, ids=NAMES)
@pytest.mark.parametrize("step", ["prepare", "extract"])
def test_a_damaged_record_is_discarded_and_made_again(cohort, caplog, step, how):
    run(cohort, "undisturbed")
    run(cohort, "run")
    begun_again(cohort, step)
    damage(cohort / "run" / step / "volumes" / "P1_1_T2.json", how)
    assert run(cohort, "run")[0] == 0
    pd.testing.assert_frame_equal(features(cohort, "run"), features(cohort, "undisturbed"), check_exact=True)
    assert "P1_1_T2.json" in caplog.text


FINISHED = (
    "cohort/cases.json", "cohort/rows.csv", "prepare/volumes/P1_1_T2.json", "prepare/volumes.csv",
    "extract/features.parquet", "extract/lesions.csv",
)  # fmt: skip


@pytest.mark.parametrize(("name", "how"), [
    pytest.param(name, how, id=f"{name}-{NAMES[of]}", marks=() if (at - of) % 5 in (0, 2) else pytest.mark.long)
    for at, name in enumerate(FINISHED) for of, how in enumerate(DAMAGES[:5])
])  # fmt: skip
def test_a_damaged_file_of_a_finished_step_is_made_again(cohort, name, how):
    run(cohort, "undisturbed")
    run(cohort, "run")
    file = cohort / "run" / name
    whole = file.read_bytes()
    file.write_bytes(cut(whole) if how is flipped and not any(digit in whole for digit in b"12345678") else how(whole))
    (cohort / "run" / "agree").mkdir()
    lost, said = run(cohort, "run")
    assert lost == 0
    assert any(str(file) in line and "done again" in line for line in said)
    assert file.read_bytes() == whole
    pd.testing.assert_frame_equal(features(cohort, "run"), features(cohort, "undisturbed"), check_exact=True)
    assert len(done(run(cohort, "run")[1])) == 3


def test_a_picture_that_was_damaged_before_its_step_finished_is_made_again(cohort):
    run(cohort, "run")
    begun_again(cohort, "prepare")
    file = cohort / "run" / "prepare" / "pictures" / "P1_1_T2.npz"
    whole = file.read_bytes()
    damage(file, zeroed)
    run(cohort, "run")
    assert file.read_bytes() == whole


def test_a_record_of_an_earlier_version_has_no_checksum_and_is_used(cohort, monkeypatch):
    run(cohort, "run")
    begun_again(cohort, "prepare", "extract")
    for step in ("prepare", "extract"):
        for file in (cohort / "run" / step / "volumes").glob("*.json"):
            record = json.loads(file.read_text())
            assert "transient" not in record and record.get("passing", []) == []  # the name that it has had
            old = {name: value for name, value in record.items() if name not in ("checksum", "made", "passing")}
            file.write_text(json.dumps(old) + "\n")
    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(lambda cls, path: pytest.fail("it was read again")))
        assert run(cohort, "run")[0] == 0
    assert len(features(cohort, "run")) == 4


def test_a_table_that_somebody_has_changed_is_set_aside_and_written_again(cohort):
    run(cohort, "run")
    table = cohort / "run" / "extract" / "lesions.csv"
    whole = table.read_bytes()
    table.write_bytes(whole + b"mine\n")
    said = run(cohort, "run")[1]
    assert any("it is kept as" in line and "lesions.kept-1.csv" in line for line in said)
    assert table.with_name("lesions.kept-1.csv").read_bytes() == whole + b"mine\n"
    assert table.read_bytes() == whole


@pytest.mark.parametrize("name", ["chance", "null"])  # null: the former name
def test_what_a_part_writes_into_its_steps_folder_does_not_make_the_step_due(cohort, name):
    """`evaluate/chance` has its own mark: when it is computed anew, its tables are nobody's change of `evaluate`."""
    from radstudy.provenance import StepFolder

    whole = StepFolder(cohort / "evaluate")
    part = cohort / "evaluate" / name
    part.mkdir(parents=True)
    (part / "chance.csv").write_text("a\n1\n")
    whole.finish("key", settings={}, inputs={}, seconds=0)
    (part / "chance.csv").write_text("a\n2\n")
    assert whole.begin() == []
    assert (part / "chance.csv").read_text() == "a\n2\n"


def test_a_folder_of_an_earlier_version_goes_but_for_what_somebody_has_changed(tmp_path):
    from radstudy.provenance import StepFolder

    former = StepFolder(tmp_path / "evaluate" / "null")
    (former.path / "outcome").mkdir(parents=True)
    for name in ("null.csv", "aucs.csv", "outcome/000000-000024.npz"):
        (former.path / name).write_text("as written")
    former.retire()
    assert len(list(former.path.rglob("*"))) == 4  # not finished: left alone
    former.finish("key", settings={}, inputs={}, seconds=0)
    (former.path / "aucs.csv").write_text("mine")
    former.retire()
    assert [file.name for file in former.path.rglob("*")] == ["aucs.csv"]
    former.retire()
    (former.path / "aucs.csv").unlink()
    former.finish("key", settings={}, inputs={}, seconds=0)
    former.retire()
    assert not former.path.exists()


def test_errors_of_the_content_and_of_the_computer_are_told_apart(tmp_path):
    with pytest.raises(CaseError) as final:
        Volume.read(tmp_path)
    with pytest.raises(CaseError) as transient:
        Volume.read(tmp_path / "gone.nii.gz")
    assert (type(final.value).__name__, type(transient.value).__name__) == ("CaseError", "TransientError")
