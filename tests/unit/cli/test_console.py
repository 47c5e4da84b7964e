"""A console with few letters is no reason to fail."""

import io
import json
import os
import subprocess
import sys

import pytest

from radstudy.cli import console


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_json_stays_json_and_text_readable(encoding, monkeypatch):
    octets = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(octets, encoding))
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # another program's: left alone
    console.print_what_the_console_cannot()
    said = {"patient": "M\u00fcller \u738b", "auc": "\u2265 0.9 \u00b5m\u00b2 \U0001d70e"}
    print(json.dumps(said, ensure_ascii=False), flush=True)
    assert json.loads(octets.getvalue().decode(encoding)) == said


def test_a_command_tells_of_a_name_that_its_console_lacks(tmp_path):
    own = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    missing = str(tmp_path / "\u738b\u2265.yaml")
    program = (
        "import sys; from radstudy.cli.console import print_what_the_console_cannot as prepare; prepare(); "
        "print(sys.argv[1]); print(sys.argv[1], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program, missing], env=own, capture_output=True, check=True)
    assert b"\\u738b\\u2265.yaml" in ended.stdout and b"\\u738b\\u2265.yaml" in ended.stderr
