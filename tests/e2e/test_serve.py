"""`radstudy serve` as a process: begins, predicts, ends; and what it refuses to serve."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import radstudy
from radstudy.signature.document import write_signature
from radstudy.signature.predict import predict_patient
from unit.app.prediction.conftest import Client
from unit.signature.clinical import clinical_signature
from unit.signature.conftest import patient, signature, small  # noqa: F401 - fixtures

SOURCE = Path(radstudy.__file__).parents[1]


def started(folder, file, *options):
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")]),
        "XDG_STATE_HOME": str(folder / "state"), "TMPDIR": str(temporary),
    }  # fmt: skip
    command = [sys.executable, "-m", "radstudy", "serve", str(file), "--no-browser", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder
    )


@contextmanager
def serving(folder, file, *options):
    """A server that answers: its process, port and token; killed at the end if it still lives."""
    process = started(folder, file, *options)
    try:
        line = process.stdout.readline().strip()
        assert "/#" in line, process.stderr.read()
        address, _, token = line.partition("/#")
        yield process, int(address.rpartition(":")[2]), token
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ask(port, token, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    told = response.status, json.loads(response.read())
    connection.close()
    return told


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_it_begins_predicts_and_ends(tmp_path):
    write_signature(clinical_signature(), tmp_path / "signature.json")
    with serving(tmp_path, tmp_path / "signature.json") as (process, port, token):
        assert ask(port, "", "GET", "/health")[1]["status"] == "ok"
        status, told = ask(port, token, "POST", "/predict", {"clinical": {"age": 50, "margin": "rough"}})
        expected = predict_patient(clinical_signature(), images={}, masks={}, clinical={"age": "50", "margin": "rough"})
        assert (status, told["probability"]) == (200, expected.probability)
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=30)
    log = tmp_path / "state" / "radstudy" / "serve_audit.jsonl"
    assert process.returncode == 0 and not out
    assert said.strip() == (
        f"Research use only, not a medical device. Audit log, without patients' data: {log.resolve()}"
    )
    assert [line["kind"] for line in lines(log)] == ["start", "values", "end"]
    assert len({line["signature"] for line in lines(log)}) == 1
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.long
def test_the_next_server_removes_what_a_killed_one_has_left(tmp_path):
    write_signature(clinical_signature(), tmp_path / "signature.json")
    file, log = tmp_path / "signature.json", tmp_path / "log" / "audit.jsonl"
    with serving(tmp_path, file, "--audit", str(log)) as (process, _, _):
        (left,) = (tmp_path / "temporary").glob("radstudy-serve-*")
        (left / "image.nii").write_bytes(b"x")
        process.kill()
        process.wait(30)
    assert left.exists()
    with serving(tmp_path, file, "--audit", str(log)):
        assert not left.exists()
    assert [line["kind"] for line in lines(log)][:2] == ["start", "start"]


@pytest.mark.parametrize("change", ["edited", "another machine", "no file"])
def test_a_signature_that_is_not_what_it_was_is_not_served(tmp_path, change):
    file = tmp_path / "signature.json"
    if change == "edited":
        write_signature(clinical_signature(), file)
        file.write_text(file.read_text().replace("0.75", "0.85"))
    if change == "another machine":
        whole = clinical_signature()
        vector = whole.vector
        result = type(vector.vector)(vector.vector.values, vector.vector.log_odds + 0.01, vector.vector.probability)
        write_signature(replace(whole, vector=replace(vector, vector=result)), file)
    process = started(tmp_path, file)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "")
    words = {"edited": "was changed after", "another machine": "does not give its own results", "no file": "not exist"}
    assert words[change] in said and "Traceback" not in said
    assert not (tmp_path / "state").exists() and list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(("options", "words"), [
    (("--public-url", "predict.hospital.org"), "--public-url"), (("--host", "0.0.0.0"), "--public-url"),
    (("--audit", "signature.json"), "not an audit log"),
])  # fmt: skip
def test_a_wrong_call_says_what_to_do(tmp_path, options, words):
    write_signature(clinical_signature(), tmp_path / "signature.json")
    before = (tmp_path / "signature.json").read_bytes()
    process = started(tmp_path, tmp_path / "signature.json", *options)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "") and words in said and "Traceback" not in said
    assert (tmp_path / "signature.json").read_bytes() == before


def test_images_are_read_in_another_process(small, signature, patient, tmp_path):  # noqa: F811
    """Its end is not the server's."""
    file = small / "run" / "signature.json"
    with serving(tmp_path, file) as (process, port, token):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [int(child) for child in children if _is_worker(int(child))]
        assert workers, "the signature was verified in a process of its own, which waits for the first images"
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.2)
        assert ask(port, token, "GET", "/signature")[0] == 200
        asked = patient(2)
        told = _predicted(port, token, asked)
        assert told["probability"] == predict_patient(signature, **asked).probability


def _is_worker(pid):
    return "loky" in Path(f"/proc/{pid}/cmdline").read_text()


def _predicted(port, token, asked):
    files = [
        (f"{kind}:{name}", Path(path).name, Path(path).read_bytes())
        for kind in ("image", "mask")
        for name, path in asked[f"{kind}s"].items()
    ]
    fields = [(f"clinical:{name}", value) for name, value in asked["clinical"].items()]
    answer = Client(port, token=token).images(files, fields)
    assert answer.status == 200, answer.body
    return answer.json
