"""Tracebacks of unexpected errors: kept where the user is told to look, and without names of patients."""

import logging
import re

import pytest

from radstudy import bugs
from radstudy.errors import StorageError
from radstudy.steps.run import in_parallel

ID = re.compile(r"bug-[0-9a-f]{4}")


def _broken(text):
    raise ValueError(f"cannot use {text}")


def _caused(text):
    try:
        _broken(text)
    except ValueError as error:
        raise KeyError("native_voxels") from error


def _met(function, *given):
    try:
        function(*given)
    except Exception as error:
        return error
    raise AssertionError("no error")


def test_a_bug_has_the_frames_of_all_errors_of_a_chain_and_no_folder_of_the_computer():
    bug = bugs.bug_of(_met(_caused, "it"))
    assert [link.kind for link in bug.links] == ["ValueError", "KeyError"]
    assert [frame.function for frame in bug.links[0].frames] == ["_caused", "_broken"]
    assert [frame.function for frame in bug.links[1].frames] == ["_met", "_caused"]
    assert all(not frame.file.startswith("/") for link in bug.links for frame in link.frames)
    library = bugs.bug_of(_met(lambda: __import__("json").loads("{")))
    assert library.links[-1].frames[-1].file == "json/decoder.py"
    assert "ValueError: cannot use it" in bug.traceback and "KeyError: 'native_voxels'" in bug.traceback


def test_the_identifier_is_of_the_place_and_the_kind_not_of_the_message_or_the_caller():
    one, other = (bugs.bug_of(_met(_caused, text)) for text in ("P1", "P2"))
    assert one.id == other.id and ID.fullmatch(one.id)
    assert bugs.bug_of(_met(_broken, "P1")).id != one.id


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("index 3 is out of bounds for axis 0 with size 2", "index 3 is out of bounds for axis 0 with size 2"),
        ("'native_voxels'", "'native_voxels'"),
        ("no such file: /data/Huber Anna/t2.nii.gz", "no such file: ***"),
        (r"C:\study\ANNA\t2.nii", "***"),
        ("P007_T2.nii.gz is cut off", "*** is cut off"),
        ("patient p007, 7 of 9", "patient ***, *** of 9"),
        ("could not convert string to float: 'HUBER'", "could not convert string to float: '***'"),
        ("PN HUBER^ANNA born 19610312 or 12.03.1961", "PN *** born *** or ***"),
        ("series 1.2.840.113619.2.55.3", "series ***"),
        ("number 12345678", "number ***"),
        ("drawn by Dr. Gruber-Weiss", "drawn by ***"),
    ],
)
def test_a_message_is_shown_without_what_may_name_a_patient(message, shown):
    with bugs.hiding(lambda: ["P007", "007", "Dr. Gruber-Weiss", "/data/Huber Anna", ""]):
        assert bugs.masked(message) == shown


@pytest.mark.parametrize("words", [lambda: None, lambda: _broken("the table")])
def test_where_it_is_not_known_whom_a_message_may_name_none_is_shown(words):
    bug = bugs.bug_of(_met(_broken, "Anna"))
    with bugs.hiding(words):
        assert "Anna" not in bug.traceback + bug.said
        assert "in _broken" in bug.traceback


def _work(number):
    if number == 2:
        _broken("P007")
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_traceback_of_a_task_comes_back_from_its_process(tmp_path, jobs):
    said, log = [], tmp_path / "run.log"
    with bugs.hiding(lambda: ["P007"]), bugs.logged_in(log, say=said.append):
        found = dict(in_parallel(_work, range(4), jobs, doing="extract"))
    assert [found[index] for index in (0, 1, 3)] == [0, 1, 3]
    (identifier,) = ID.findall(found[2].problem)
    text = log.read_text()
    assert f"ValueError: cannot use *** ({identifier}) (extract)" in text
    assert "in _work\n" in text and "in _broken\n" in text and "P007" not in text
    assert identifier in found[2].remedy and "run.log" in found[2].remedy
    assert len(said) == 1 and identifier in said[0] and str(log) in said[0]


def test_both_ways_of_working_give_a_bug_the_same_identifier():
    here, apart = (dict(in_parallel(_work, range(3), jobs))[2].problem for jobs in (1, 2))
    assert here == apart


def test_an_error_that_ends_a_worker_s_call_has_the_worker_s_traceback(tmp_path):
    from radstudy.parallel import finished

    log = tmp_path / "run.log"
    with pytest.raises(ValueError, match="cannot use") as caught, bugs.logged_in(log):
        list(finished(_work, [2, 2, 2], 2))
    assert "in _broken\n" in log.read_text()
    assert ID.search("".join(caught.value.__notes__))


def test_an_expected_error_is_no_bug(tmp_path):
    for error in (StorageError("x", "full"), PermissionError(13, "no", "x")):
        with pytest.raises(type(error)), bugs.logged_in(tmp_path / "run.log"):
            raise error
    assert not list(tmp_path.iterdir())


def test_a_traceback_is_written_once_and_the_bug_each_time(tmp_path):
    log = tmp_path / "run.log"
    with bugs.logged_in(log):
        for _ in range(3):
            bugs.note(_met(_broken, "it"), "extract")
    text = log.read_text()
    assert text.count("Traceback") == 1 and text.count("as above") == 2


def test_the_log_rotates(tmp_path):
    log = tmp_path / "run.log"
    with bugs.logged_in(log, most_bytes=2000):
        for number in range(40):
            bugs.note(_met(_broken, f"number {number}"))
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["run.log", "run.log.1", "run.log.2", "run.log.3"]
    assert all(file.stat().st_size <= 2000 for file in tmp_path.iterdir())
    assert "number 39" in log.read_text()


def test_a_log_that_cannot_be_written_is_said_and_ends_nothing(tmp_path):
    said = []
    with bugs.logged_in(tmp_path / "no such folder" / "run.log", say=said.append):
        bugs.note(_met(_broken, "it"))
    assert len(said) == 1 and "cannot be written" in said[0] and "--debug" in said[0]


def test_debug_prints_the_whole_traceback(capsys):
    logger = logging.getLogger("radstudy.bugs")
    before = list(logger.handlers)
    bugs.show_on_stderr()
    bugs.show_on_stderr()
    try:
        bug = bugs.note(_met(_broken, "P007"))
    finally:
        logger.handlers[:] = before
    printed = capsys.readouterr().err
    assert printed.count("Traceback (most recent call last)") == 1
    assert printed.startswith(f"{bug.id}:\n") and "ValueError: cannot use P007" in printed
