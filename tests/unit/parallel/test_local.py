"""Processes that end while they work: what is said of their task, and what becomes of the others."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from radstudy import parallel
from radstudy.errors import CaseError, ProcessError, StorageError, TransientError
from radstudy.parallel import local, team, worker


def test_every_number_of_processes_gives_the_same_results():
    def squared(number):
        return number**2

    expected = [(number, number**2) for number in range(40)]
    for jobs in (1, 2, 3, None):
        assert sorted(parallel.results(squared, range(40), jobs)) == expected
    assert not list(parallel.results(squared, [], 2))


def test_processes_are_used_again():
    def work(_):
        time.sleep(0.1)
        return os.getpid()

    pids = [{pid for _, pid in parallel.results(work, range(20), 2)} for _ in range(3)]
    assert len(set.union(*pids)) <= 2
    assert os.getpid() not in pids[0]


def test_where_a_single_job_does_the_work(monkeypatch):
    """In this process for the library; in one of its own for a command, if files of the user's are read."""
    here = os.getpid()
    own = {(shielded, jobs, count): {pid for _, pid in parallel.results(process, range(count), jobs, shielded=shielded)}
           != {here} for process in [lambda _: os.getpid()] for shielded in (True, False) for jobs in (1, 2)
           for count in (1, 3)}  # fmt: skip
    assert {given for given, apart in own.items() if apart} == {(True, 2, 1), (True, 2, 3), (False, 2, 3)}
    monkeypatch.setattr(local._Program, "apart", True)
    [(_, pid)] = parallel.results(lambda _: os.getpid(), [0], 1, shielded=True)
    assert pid != here
    assert list(parallel.results(lambda _: os.getpid(), [0], 1)) == [(0, here)]


ENDS = {
    "segmentation fault": (lambda: os.kill(os.getpid(), signal.SIGSEGV), CaseError, "was ended by signal 11"),
    "abort": (os.abort, CaseError, "was ended by signal 6 (abort"),
    "killed": (lambda: os.kill(os.getpid(), signal.SIGKILL), TransientError, "probably for lack of memory"),
    "terminated": (lambda: os.kill(os.getpid(), signal.SIGTERM), TransientError, "was ended by signal 15"),
    "exit": (lambda: os._exit(3), CaseError, "ended with exit code 3"),
    "sys.exit": (lambda: sys.exit(3), CaseError, "ended with exit code 3"),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_task_that_ends_its_process_becomes_an_error_and_the_others_go_on(how):
    end, kind, text = ENDS[how]
    poison = {0, 1, 13, 29}

    def work(number):
        return end() if number in poison else number**2

    said = []
    found = dict(parallel.results(work, range(30), 2, say=said.append))
    assert sorted(found) == list(range(30))
    assert {index for index, result in found.items() if isinstance(result, CaseError)} == poison
    assert all(found[index] == index**2 for index in set(range(30)) - poison)
    assert all(type(found[index]) is kind and text in found[index].problem for index in poison)
    assert said == ["4 cases are tried again, each alone, because the process that worked on it was ended"]


def test_a_task_that_loses_its_process_once_has_its_result(tmp_path):
    """As where several at once want more memory than there is: alone, in a new process, the task is done."""

    def work(number):
        mark = tmp_path / str(number)
        if number % 3 == 0 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number, os.getpid()

    found = dict(parallel.results(work, range(9), 2))
    assert [found[index][0] for index in range(9)] == list(range(9))
    again = [found[index][1] for index in (0, 3, 6)]
    assert len(set(again)) == 3
    assert not set(again) & {found[index][1] for index in (1, 2, 4, 5, 7, 8)}


def test_the_error_names_the_file_that_was_being_read_and_no_other(tmp_path):
    from radstudy.parallel import reading

    image, mask = tmp_path / "image.mha", tmp_path / "mask.mha"

    def work(where):
        with reading(image):
            pass
        with reading(mask, reader="b"), reading(mask):
            if where == "mask":
                os.abort()
        if where == "later":
            os.abort()
        return where

    found = dict(parallel.results(work, ["mask", "later", "never"], 2))
    assert (found[0].file, found[0].reader) == (str(mask), "b")
    assert (found[1].file, found[1].reader) == ("", "")
    assert found[2] == "never"


def test_an_error_of_the_function_keeps_its_kind_and_its_case():
    def work(number):
        if number == 0:
            raise TransientError("gone", "wait", patient="P1", sequence="T2", reader="a", file="x.nii")
        if number == 1:
            raise StorageError("x", "full")
        if number == 2:
            raise ZeroDivisionError("planted")
        if number == 3:
            raise FileNotFoundError("x")  # and no process is lost

        class LocalError(Exception):
            def __init__(self, one, two):
                super().__init__(one)

        raise LocalError(1, 2)

    errors = []
    for number in range(5):
        with pytest.raises(Exception) as caught:
            list(parallel.results(lambda task, number=number: work(number), [0, 1], 2))
        errors.append(caught.value)
    assert str(errors[0]) == "Patient P1, T2, reader a, file x.nii: gone. To do: wait."
    assert [type(error) for error in errors] == [TransientError, StorageError, ZeroDivisionError, FileNotFoundError,
                                                    RuntimeError]  # fmt: skip
    assert "in work" in "".join(errors[2].__notes__)
    assert "LocalError" in str(errors[4])


def test_threads_are_shared_out_unless_asked_for_or_set(monkeypatch):
    def threads(_):
        return [os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")]

    monkeypatch.setattr(local, "cores", lambda: 12)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "5")
    assert list(parallel.results(threads, [0], 3, shielded=True)) == [(0, ["4", "5", "4"])]
    assert list(parallel.results(threads, [0], 3, shielded=True, threads=1)) == [(0, ["1", "1", "1"])]


def test_work_without_files_ends_where_a_process_is_lost_and_says_at_what():
    with pytest.raises(ProcessError, match=r"number 2: the process .* was ended by the system.*--jobs 1") as caught:
        list(parallel.finished(lambda number: number == 2 and os.kill(os.getpid(), signal.SIGKILL), range(4), 2,
                               named=lambda number: f"number {number}"))  # fmt: skip
    assert caught.value.exit_code == 2


def test_processes_that_end_before_they_begin_are_no_tasks_fault(monkeypatch):
    for one in team.LEFT:
        one.close()
    team.LEFT.clear()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProcessError, match="no process can be started: it ended with exit code 1") as caught:
        list(parallel.results(lambda number: number, range(4), 2))
    assert caught.value.exit_code == 2


def test_where_fewer_processes_can_be_started_than_wanted_those_do_the_work(monkeypatch):
    started, real = [], team.Worker

    def limited(environment):
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(real(environment))
        return started[0]

    for one in team.LEFT:
        one.close()
    team.LEFT.clear()
    monkeypatch.setattr(team, "Worker", limited)
    assert len({pid for _, pid in parallel.results(lambda _: os.getpid(), range(6), 3)}) == 1


def python(script, **settings):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **settings,
    )  # fmt: skip


def test_a_system_that_gives_no_process_is_said():
    program = python("""
        import os, resource
        from radstudy.errors import ProcessError
        from radstudy.parallel import results
        import loky.backend.popen_loky_posix, multiprocessing.connection
        lowest = os.dup(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 3, lowest + 3))  # two pipes have four
        try:
            list(results(abs, [1, 2], 2))
        except ProcessError as error:
            print(error)
    """)
    output, errors = program.communicate(timeout=120)
    assert output.startswith("no process can be started: "), errors
    assert "Too many open files" in output and "ulimit -n" in output


def test_the_limit_of_open_files_bounds_the_processes():
    program = python("""
        import os, resource
        from radstudy.parallel import results
        import loky.backend.popen_loky_posix, multiprocessing.connection
        lowest = os.dup(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 24, lowest + 24))
        found = [pid for _, pid in results(lambda _: os.getpid(), range(40), 12)]
        print(len(found), 1 <= len(set(found)) < 12)
    """)
    output, errors = program.communicate(timeout=120)
    assert output.split() == ["40", "True"], errors


WORKING = """
    import os, signal, sys, time
    from radstudy.parallel import results

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which programs in the background ignore

    def busy(_):
        os.write(1, f"{os.getpid()}\\n".encode())
        end = time.time() + 120
        while time.time() < end:
            pass

    list(results(busy, range(8), 2))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_at_once_with_the_program(number):
    """Ctrl-C reaches all processes of a terminal, a kill the program alone."""
    program = python(WORKING, start_new_session=True)
    pids = [int(program.stdout.readline()) for _ in range(2)]
    start = time.monotonic()
    (os.killpg if number == signal.SIGINT else os.kill)(program.pid, number)
    _, errors = program.communicate(timeout=60)
    assert time.monotonic() - start < 20
    assert program.returncode == -number
    assert errors.count("Traceback") == (number == signal.SIGINT)
    deadline = time.monotonic() + 10
    while any(_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_running(pid) for pid in pids)


def _running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = _state(pid)
    return bool(state.strip()) and not state.startswith("Z")


def _state(pid):
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def test_what_nobody_waits_for_is_ended():
    def work(number):
        if number:
            time.sleep(120)
        return os.getpid()

    found = parallel.results(work, range(2), 2)
    next(found)
    start = time.monotonic()
    found.close()
    assert time.monotonic() - start < 20
    assert len(team.LEFT) <= 1
    assert len(list(parallel.results(lambda _: os.getpid(), range(4), 2))) == 4


def test_a_process_that_does_not_heed_its_end_is_killed(monkeypatch):
    monkeypatch.setattr(worker, "_PATIENCE_S", 2.0)
    one = worker.Worker({})
    while not one.began:
        one.receive()
    os.kill(one.process.pid, signal.SIGSTOP)
    while not _state(one.process.pid).startswith("T"):
        time.sleep(0.05)
    one.close()
    assert one.killed


IN_BACKGROUND = """
    import threading, time
    from radstudy.parallel import results
    from radstudy.parallel.local import keep_cases_apart

    keep_cases_apart()
    threading.Thread(target=lambda: list(results(time.sleep, [60.0], 1, shielded=True)), daemon=True).start()
    time.sleep(WAIT)
"""


def test_a_program_that_ends_while_a_thread_works_says_nothing():
    """As a server ends while it reads the next case: its process, begun or not, is no lost case that is tried again."""
    for wait in ("0.1", "0.3", "0.5", "0.7", "1", "1.5"):
        program = python(IN_BACKGROUND.replace("WAIT", wait))
        assert program.communicate(timeout=60) == ("", "")
        assert program.returncode == 0
