"""A demo study that is killed again and again ends with every number of an undisturbed run; so does one that meets the
other faults of what is kept: inputs that are swapped while they are read, errors of the share, damaged records.

``RADSTUDY_KILLS`` says how many kills (200), ``RADSTUDY_KILL_PATIENTS`` on how many patients, ``RADSTUDY_KILL_SEED``
which moments. `.ci/long kills` runs this file alone.
"""

import contextlib
import errno
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from radstudy import study
from radstudy.demo.cohort import make
from radstudy.imaging.volume import Volume
from radstudy.protocol import load_protocol

pytestmark = pytest.mark.long
KILLS = int(os.environ.get("RADSTUDY_KILLS", "200"))
PATIENTS = int(os.environ.get("RADSTUDY_KILL_PATIENTS", "24"))
SEED = int(os.environ.get("RADSTUDY_KILL_SEED", "20261129"))
JOBS = 2
PARENT_ALONE = 0.3  # of the kills; the others end the whole process group
LONGEST_S = 3600
DONE = re.compile(r"^(\S+): (?:done in ([\d.]+) s|already done)$")
OF_THE_RUN = ("provenance.json", "opened.json")  # times, and stamps of files
REFUSED = "run_folder.json"  # damaged, it is refused by name, with what to do (tests/unit/artefacts)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The demo's cohort, with fewer refits than the demo has."""
    folder = tmp_path_factory.mktemp("data")
    make(folder, patients=PATIENTS, seed=1)
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    text, changed = re.subn(r"permutations: \d+", "permutations: 40", text)
    text, again = re.subn(r"repeats: \d+}, splits: \d+, bootstrap: \d+", "repeats: 1}, splits: 6, bootstrap: 3", text)
    assert (changed, again) == (1, 1)
    file.write_text(text, encoding="utf-8")
    return folder


class Life:
    """One `radstudy run` in a process group of its own; tells when each step ends."""

    def __init__(self, data, out):
        command = [sys.executable, "-m", "radstudy", "run", data / "study.yaml", "--out", out, "--jobs", str(JOBS)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.lines, self.ended, self._news = [], [], threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                if found := DONE.match(self.lines[-1]):
                    self.ended.append((found[1], float(found[2] or 0)))
                self._news.notify_all()

    def wait_for(self, step):
        """Wait until a step has ended ("" for the start); False where the run ends before."""
        with self._news:
            while step and step not in [name for name, _ in self.ended]:
                if self.process.poll() is not None:
                    return False
                self._news.wait(0.05)
        return True

    def sleep(self, seconds):
        """Wait; False where the run ends before."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def kill(self, *, group):
        """SIGKILL to the process group, or to the parent alone, whose workers are left to themselves."""
        if group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()

    def sweep(self):
        """End what a killed parent has left; its group's number is taken by nobody else as long as it lives."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.stderr.close()

    def finish(self):
        self.process.wait(LONGEST_S)
        self._reader.join(30)
        return self.process.returncode


def _finished(data, out):
    life = Life(data, out)
    code = life.finish()
    life.sweep()
    assert code == 0, "\n".join(life.lines[-40:])
    return life


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """The folder of an undisturbed run, and its steps in order with their seconds."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    begin = time.monotonic()
    life = _finished(data, out)
    print(f"undisturbed: {time.monotonic() - begin:.0f} s; {life.ended}")
    return out, life.ended


def numbers(out):
    """Every table and record of a run by its path: CSV as text, JSON, Parquet and NPZ as values."""
    found = {}
    for file in sorted(out.rglob("*")):
        name = file.relative_to(out).as_posix()
        if not file.is_file() or file.name in OF_THE_RUN or ".kept-" in file.name or ".part-" in name:
            continue
        if file.name == "versions.csv":  # what each step was made with, and when
            found[name] = pd.read_csv(file).drop(columns=["finished", "seconds"], errors="ignore")
        elif file.suffix == ".csv":
            found[name] = file.read_text(encoding="utf-8").replace(str(out), "RUN")
        elif file.suffix == ".json":
            found[name] = json.loads(file.read_text(encoding="utf-8").replace(str(out), "RUN"))
        elif file.suffix == ".parquet":
            found[name] = pd.read_parquet(file)
        elif file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as stored:
                found[name] = {key: stored[key] for key in stored.files}
    return found


def differing(one, other):
    """The names of the tables and records that are not the same in two runs."""
    first, second = numbers(one), numbers(other)
    names = sorted(first.keys() ^ second.keys())
    return names + [name for name in sorted(first.keys() & second.keys()) if not _same(first[name], second[name])]


def _same(one, other):
    if isinstance(one, pd.DataFrame):
        return one.equals(other) and one.index.equals(other.index) and one.columns.equals(other.columns)
    if isinstance(one, dict) and any(isinstance(value, np.ndarray) for value in one.values()):
        return one.keys() == other.keys() and all(
            one[key].dtype == other[key].dtype and one[key].tobytes() == other[key].tobytes() for key in one
        )
    return one == other


def moments(steps, number, rng):
    """(step before, seconds after its end) of some kills: every step has its turn, the longest the rest."""
    seconds = np.array([max(took, 0.2) for _, took in steps])
    places = list(range(len(steps)))[:number]
    places += rng.choice(len(steps), size=number - len(places), p=seconds / seconds.sum()).tolist()
    before = ["", *(name for name, _ in steps)]
    return [(before[place], float(rng.uniform(0, 1.1) * seconds[place])) for place in sorted(places)]


def test_a_run_that_is_killed_at_any_moment_ends_with_the_same_numbers(data, undisturbed, tmp_path):
    whole, steps = undisturbed
    rng = np.random.default_rng(SEED)
    a_round = 2 * len(steps)
    killed, missed, rounds, begin = 0, 0, 0, time.monotonic()
    where: dict[str, int] = {}
    while killed < KILLS:
        out = tmp_path / f"round{rounds}"
        lives = []
        for before, after in moments(steps, min(a_round, KILLS - killed), rng):
            life = Life(data, out)
            lives.append(life)
            if life.wait_for(before) and life.sleep(after + (0 if before else rng.uniform(0, 3))):
                life.kill(group=rng.random() >= PARENT_ALONE)
                killed += 1
                where[before or "start"] = where.get(before or "start", 0) + 1
            else:
                missed += 1
                assert life.finish() == 0, "\n".join(life.lines[-40:])
        _finished(data, out)
        for life in lives:
            life.sweep()
        assert differing(whole, out) == []
        shutil.rmtree(out)
        rounds += 1
        assert rounds <= KILLS + 5
    print(f"{killed} kills in {rounds} runs, {missed} came too late, {time.monotonic() - begin:.0f} s; after {where}")


def _in_process(data, out):
    said = []
    lost = study.run(load_protocol(data / "study.yaml"), data=data, out=out, until="extract", jobs=1, say=said.append)
    return lost, said


@pytest.fixture
def begun(data, undisturbed, tmp_path):
    """A run whose cohort is read, and a copy of the data that may be changed."""
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    out = tmp_path / "run"
    study.run(load_protocol(copy / "study.yaml"), data=copy, out=out, until="cohort", jobs=1)
    return copy, out


def _features_of(out):
    return pd.read_parquet(out / "extract" / "features.parquet")


def test_inputs_that_are_swapped_while_they_are_read_and_put_back(begun, undisturbed, monkeypatch):
    copy, out = begun
    images = sorted(copy.glob("images/*/*.nii.gz"))
    chosen = {file: images[(place + 5) % len(images)] for place, file in enumerate(images) if place % 7 == 0}
    real, swapped = Volume.read.__func__, set()

    def read(cls, path):
        file = pathlib.Path(path)
        if file not in chosen or file in swapped:
            return real(cls, path)
        swapped.add(file)
        own = file.with_name("own.tmp")
        file.rename(own)
        shutil.copyfile(chosen[file], file)
        try:
            return real(cls, path)
        finally:
            file.unlink()
            own.rename(file)

    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(read))
        _in_process(copy, out)
    assert swapped == set(chosen)
    _in_process(copy, out)
    pd.testing.assert_frame_equal(_features_of(out), _features_of(undisturbed[0]), check_exact=True)


def test_errors_of_the_share_while_files_are_read(begun, undisturbed, monkeypatch):
    copy, out = begun
    images = sorted(copy.glob("images/*/*.nii.gz"))
    numbers_of = [errno.EIO, errno.ESTALE, errno.ENOENT, errno.ENOMEM, errno.EMFILE, errno.ETIMEDOUT]
    chosen = {file: numbers_of[place % len(numbers_of)] for place, file in enumerate(images) if place % 5 == 0}
    real_read, real_open, inside = Volume.read.__func__, pathlib.Path.open, []

    def read(cls, path):
        inside.append(path)
        try:
            return real_read(cls, path)
        finally:
            inside.pop()

    def opened(self, *rest, **more):
        if inside and self in chosen:
            raise OSError(chosen[self], os.strerror(chosen[self]), str(self))
        return real_open(self, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(read))
        patch.setattr(pathlib.Path, "open", opened)
        lost, _ = _in_process(copy, out)
        assert lost >= len(chosen)
    assert _in_process(copy, out)[0] == 0
    pd.testing.assert_frame_equal(_features_of(out), _features_of(undisturbed[0]), check_exact=True)


def test_records_and_tables_that_are_damaged(data, undisturbed, tmp_path):
    """Cut off, zero-filled, one bit flipped: a file of each kind at a time, in a finished or a killed run."""
    whole, _ = undisturbed
    rng = np.random.default_rng(SEED)
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    for turn, killed in enumerate((True, False, True)):
        kinds: dict[tuple[str, str], list[pathlib.Path]] = {}
        for file in sorted(out.rglob("*")):
            kept = file.suffix in (".json", ".npz", ".parquet", ".csv") and file.name not in (*OF_THE_RUN, REFUSED)
            if file.is_file() and kept and ".kept-" not in file.name:
                kinds.setdefault((file.parent.relative_to(out).as_posix(), file.suffix), []).append(file)
        for place, files in enumerate(kinds.values()):
            file = files[rng.integers(len(files))]
            raw = bytearray(file.read_bytes())
            how = (place + turn) % 3
            if how == 0:
                del raw[len(raw) // 2 :]
            elif how == 1:
                raw[:] = bytes(len(raw))
            elif raw:
                raw[rng.integers(len(raw))] ^= 1 << int(rng.integers(8))
            file.write_bytes(raw)
        if killed:
            for mark in out.rglob("provenance.json"):
                mark.unlink()
        _finished(data, out)
        assert differing(whole, out) == []
