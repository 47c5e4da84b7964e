import os
import socket
import subprocess
import sys

import pytest

from radstudy import working
from radstudy.cli.terminal import bar
from radstudy.errors import StoppedError, UsageError
from radstudy.working import is_locked, only_run, request_stop, stop_if_asked, worker_in


def test_who_works_in_a_folder_is_said_while_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(working, "HEARTBEAT_S", 0.01)
    assert worker_in(tmp_path) is None and not is_locked(tmp_path)
    with only_run(tmp_path):
        who = worker_in(tmp_path)
        assert (who.host, who.pid, who.is_here) == (socket.gethostname(), os.getpid(), True)
        assert who.silent_s < 60 and is_locked(tmp_path)
        with pytest.raises(UsageError, match=f"process {os.getpid()} on {socket.gethostname()}"), only_run(tmp_path):
            pass
    assert worker_in(tmp_path) is None and not is_locked(tmp_path)


def test_what_a_crash_leaves_behind_misleads_nobody(tmp_path):
    code = f"import os\nfrom pathlib import Path\nfrom radstudy.working import only_run\n" \
           f"with only_run(Path({str(tmp_path)!r})): os._exit(9)"  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=False)
    assert worker_in(tmp_path) is not None and not is_locked(tmp_path)
    with only_run(tmp_path):
        assert worker_in(tmp_path).pid == os.getpid()


def test_a_command_stops_between_two_cases_and_has_kept_the_first(tmp_path):
    done = []
    with pytest.raises(StoppedError, match=f"Finished work is kept in {tmp_path}"), only_run(tmp_path):
        for item in bar([1, 2, 3], 3, "cases"):
            done.append(item)
            if item == 2:
                request_stop(tmp_path)
    assert done == [1, 2]
    with only_run(tmp_path):  # the request is not held against the next one
        stop_if_asked()
    stop_if_asked()


def test_progress_is_written_down_for_a_page(tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("RADSTUDY_PROGRESS", str(file))
    seen = [working.read_json(file) for _ in bar("abc", 3, "letters")]
    assert seen[0] == {"what": "letters", "done": 0, "total": 3, "left_s": None}
    assert working.read_json(file)["done"] == 3
