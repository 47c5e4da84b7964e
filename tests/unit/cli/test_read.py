"""`radstudy read`: who may enter is said before anything is opened, and the room of a study is served."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from radstudy.cli import main
from unit.app.web.conftest import Browser
from unit.app.web.test_study_room import STUDY, write_study

ROOT = Path(__file__).parents[3]


@pytest.fixture
def study(tmp_path):
    """A study of three patients, with its study file."""
    write_study(tmp_path)
    text = STUDY.replace("PRACTICE", "0").replace("GROW", "false")
    (tmp_path / "study.yaml").write_text(text)
    return tmp_path / "study.yaml"


def refused(capsys, monkeypatch, *arguments):
    """What a call that ends with 2 says."""
    monkeypatch.setattr(sys, "argv", ["radstudy", "read", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 2 and not printed.out
    return printed.err


@pytest.mark.parametrize(("arguments", "says"), [
    ((), "--reader, one of ann, bea, cem; or --lead"),
    (("--reader", "eve"), "no reader 'eve' in the study file; choose from ann, bea, cem"),
    (("--reader", "ann", "--task", "arbitration"),
     "'arbitration' is not a task of ann; choose from masks, characteristics"),
    (("--reader", "cem", "--task", "masks"), "choose from arbitration"),
    (("--lead", "--task", "masks"), "give --reader"),
    (("--reader", "ann", "--task", "mask"), "choose from masks, characteristics, arbitration"),
    (("--reader", "ann", "--public-url", "reading.org"), "--public-url reading.org"),
    (("--reader", "ann", "--host", "0.0.0.0"), "--public-url"),
    (("--reader", "ann", "--port", "70000"), "--port"),
    (("--reader", "ann", "--data", "/no/such/folder"), "does not exist"),
])  # fmt: skip
def test_a_wrong_call_names_the_choices(study, arguments, says, capsys, monkeypatch):
    assert says in " ".join(refused(capsys, monkeypatch, study, *arguments).split())
    assert not (study.parent / "reading" / "room.sqlite").exists()


def test_a_wrong_study_file_ends_with_3(tmp_path, monkeypatch):
    (tmp_path / "study.yaml").write_text("study: [")
    monkeypatch.setattr(sys, "argv", ["radstudy", "read", str(tmp_path / "study.yaml"), "--reader", "ann"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3


def test_a_study_is_read_over_the_wire_and_the_server_ends_with_0(study):
    process = subprocess.Popen(
        [sys.executable, "-m", "radstudy", "read", str(study), "--reader", "ann", "--task", "masks", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    try:
        port, token = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#([\w-]{43})\n", process.stdout.readline()).groups()
        ann = Browser(int(port))
        assert ann.enter(token).status == 200
        case = ann.ask("GET", "/api/worklist/masks").json["next"]
        opened = ann.ask("POST", f"/api/case/masks/{case}/open", {"tab": "t"})
        assert opened.status == 200 and [one["name"] for one in opened.json["sequences"]] == ["T2", "DCE3"]
        volume = ann.ask("GET", f"/api/case/masks/{case}/volume/T2/acquired")
        I, J, K = opened.json["sequences"][0]["shape"]  # noqa: E741
        assert len(volume.body) == 2 * I * J * K
        stroke = {"tab": "t", "sequence": "T2", "revision": 0, "tool": "brush", "runs": [[4, 2, 3]], "view": {}}
        assert ann.ask("POST", f"/api/case/masks/{case}/stroke", stroke).json == {"revision": 1}
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "") and "Traceback" not in err
    finally:
        process.kill()
        process.communicate()
    assert (study.parent / "reading" / "room.sqlite").exists()
    assert not (study.parent / "reading" / ".server.json").exists()
