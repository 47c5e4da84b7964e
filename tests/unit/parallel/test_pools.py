"""What every pool keeps (`radstudy.parallel.Pool`, a to f), for each of them."""

import os
from functools import partial

import pytest

from radstudy import parallel
from radstudy.errors import CaseError, StorageError
from radstudy.formats.reading import content_of, recorded
from radstudy.imaging.slabs import thread_count
from radstudy.parallel import HERE, LOCAL

POOLS = {"local": LOCAL, "here": HERE}


@pytest.fixture(params=POOLS)
def pool(request):
    parallel.use(POOLS[request.param])  # tests/conftest.py takes it back
    return request.param


def done(function, tasks, jobs=2, **options):
    return dict(parallel.results(function, tasks, jobs, **options))


class Adds:
    def __init__(self, number):
        self.number = number

    def to(self, other):
        return self.number + other


def test_every_task_has_its_result_once(pool):
    given = list(parallel.results(lambda number: number**2, range(9), 2))
    assert sorted(given) == [(number, number**2) for number in range(9)]
    assert list(parallel.results(abs, [], 2)) == []
    assert dict(parallel.finished(abs, [-1, -2], 2)) == {0: 1, 1: 2}


def test_a_functions_of_every_kind_are_taken(pool):
    three = 3
    kinds = [Adds(3).to, partial(Adds.to, Adds(3)), lambda number: number + three, partial(Adds(1).to), (3).__add__]
    assert [done(kind, [1, 2])[1] for kind in kinds] == [5, 5, 5, 3, 5]


def test_b_tasks_and_caller_have_the_same_files(pool, tmp_path):
    (tmp_path / "given").write_text("given")

    def work(number):
        file = tmp_path / str(number)
        file.write_text((tmp_path / "given").read_text() + str(number))
        return file

    for index, file in parallel.results(work, range(4), 2):
        assert file.read_text() == f"given{index}"


def test_c_processes_share_the_threads_out(pool, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def work(_):
        return os.getpid(), thread_count()

    found = done(work, range(6))
    processes = dict(found.values())
    assert sum(processes.values()) <= max(parallel.cores(), len(processes))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert {threads for _, threads in done(work, range(6)).values()} == {1}


def test_d_a_task_may_say_what_it_reads(pool, tmp_path):
    def work(number):
        with parallel.reading(tmp_path / "mask.nii", reader="b"):
            return number

    assert done(work, range(4)) == {number: number for number in range(4)}


def test_e_a_tasks_context_is_its_own(pool, tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("a\n1\n")

    def work(number):
        with recorded() as reading:
            if number:
                content_of(file)
        return len(reading.digests)

    assert done(work, [0, 1, 0, 1]) == {0: 0, 1: 1, 2: 0, 3: 1}


def test_f_a_case_error_is_a_result_and_every_other_error_keeps_its_kind(pool):
    def work(number):
        return CaseError("bad", "look", patient=f"P{number}", file="x") if number == 1 else number

    found = done(work, range(3))
    assert (found[0], found[2]) == (0, 2)
    assert str(found[1]) == "Patient P1, file x: bad. To do: look."

    def failing(number):
        raise (StorageError("x", "full"), ZeroDivisionError("planted"), CaseError("bad", patient="P1"))[number]

    for number, kind in enumerate((StorageError, ZeroDivisionError, CaseError)):
        with pytest.raises(kind) as caught:
            done(failing, [number] * 2)
        whole = "".join([*getattr(caught.value, "__notes__", []), *map(str, caught.traceback)])
        assert kind is not ZeroDivisionError or "in failing" in whole
    assert caught.value.patient == "P1"


def test_what_nobody_waits_for_is_not_done(pool, tmp_path):
    found = parallel.results(lambda number: (tmp_path / str(number)).touch(), range(200), 2)
    next(found)
    found.close()
    assert len(list(tmp_path.iterdir())) < 200


def test_the_pool_without_processes_takes_no_other_process():
    before = parallel.use(HERE)
    assert before is LOCAL
    for jobs, shielded in ((1, False), (3, False), (3, True), (None, True)):
        found = done(lambda _: os.getpid(), range(3), jobs, shielded=shielded)
        assert set(found.values()) == {os.getpid()}
    assert parallel.use(before) is HERE
