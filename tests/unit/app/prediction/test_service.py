"""Predictions over HTTP: the same as by the command, refusals with all reasons, and nothing that names the server."""

import gzip
import hashlib
import json
import os
import re
import signal
import struct
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import radstudy
from radstudy.app.prediction import work
from radstudy.app.prediction.limits import ServiceLimits
from radstudy.signature.document import USE
from radstudy.signature.predict import predict_patient
from unit.app.prediction.conftest import Client, serving
from unit.signature.clinical import clinical_signature

PATHS = re.compile(
    "|".join(re.escape(str(path)) for path in (Path(radstudy.__file__).parent, tempfile.gettempdir(), Path.home()))
    + r"|Traceback|radstudy-serve|/tmp/|\.py\b"
)


def clean(answer):
    """The answer's JSON, which names nothing of the server."""
    assert answer.status < 500, answer.body
    assert not PATHS.search(answer.body.decode()), answer.body
    assert answer.json["use"] == USE
    return answer.json


def test_values_give_the_prediction_of_the_command(values_service):
    answer = values_service.client.values(clinical={"age": 50, "margin": "rough"})
    expected = predict_patient(clinical_signature(), images={}, masks={}, clinical={"age": "50", "margin": "rough"})
    assert answer.status == 200
    told = clean(answer)
    assert told["probability"] == expected.probability
    assert set(expected.as_dict()) | {"request", "not_used"} == set(told)
    assert answer.headers["x-request-id"] == told["request"]


def test_a_patient_unlike_the_training_patients_is_refused_and_can_be_overruled(values_service):
    asked = {"clinical": {"age": 190, "margin": "rough"}}
    refused = values_service.client.values(**asked)
    told = clean(refused)
    assert (refused.status, told["refused"], told["probability"]) == (422, True, None)
    assert [finding["where"] for finding in told["findings"]] == ["age"]
    assert "outside_range prints its probability anyway" in told["error"] and "--" not in told["error"]
    overruled = values_service.client.values(**asked, outside_range=True, page=True)
    told = clean(overruled)
    assert overruled.status == 200 and told["outside_range"] and 0 < told["probability"] < 1
    assert (
        "its accuracy is unknown" in told["html"] and "style=" not in told["html"] and "--outside" not in told["html"]
    )


BODIES = {
    "no JSON": (b"{", 400, "not JSON"),
    "NaN": (b'{"clinical": {"age": NaN}}', 400, "not JSON"),
    "beyond the largest number": (b'{"clinical": {"age": 1e999}}', 400, "not JSON"),
    "twice": (b'{"clinical": {"age": 50, "age": 60}}', 400, "'age' is given twice"),
    "half a character": (b'{"clinical": {"age": "\\ud800"}}', 400, "not JSON"),
    "nested": (b"[" * 200_000, 400, "not JSON"),
    "a list": (b"[]", 422, "the body"),
    "another name": (b'{"age": 50}', 422, "age"),
    "a list for a value": (b'{"clinical": {"age": [50]}}', 422, "clinical.age"),
    "nothing": (b"{}", 422, "1. clinical:age is missing\n  2. clinical:margin is missing"),
    "no level": (b'{"clinical": {"age": 50, "margin": "round"}}', 422, "choose from smooth, rough"),
    "no number": (b'{"clinical": {"age": "old", "margin": "rough"}}', 422, "this is not a number"),
    "huge": (b'{"clinical": {"age": 1%s, "margin": "rough"}}' % (b"0" * 400), 422, "age"),
    "unknown": (b'{"clinical": {"age": 50, "margin": "rough", "height": 3}}', 422, "does not know 'height'"),
    "empty": (b"", 400, "not JSON"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_body_is_refused_with_what_to_do(values_service, name):
    body, status, words = BODIES[name]
    answer = values_service.client.ask("POST", "/predict", body, Content_Type="application/json")
    assert (answer.status, words in clean(answer)["error"]) == (status, True), answer.body


def test_other_types_sizes_and_methods_are_refused(values_service):
    client = values_service.client
    assert client.ask("POST", "/predict", b"a=1", Content_Type="application/x-www-form-urlencoded").status == 415
    assert client.ask("POST", "/predict", b" " * (values_service.service.limits.values_bytes + 1)).status == 413
    assert client.ask("POST", "/predict/images", b"{}", Content_Type="application/json").status == 415
    assert client.ask("POST", "/predict/images", b"{}", Content_Type="multipart/form-data").status == 400
    for method in ("PUT", "DELETE", "TRACE", "OPTIONS"):
        answer = client.ask(method, "/predict")
        assert (answer.status, "allow" in answer.headers, answer.json["use"]) == (405, True, USE)
    assert client.ask("GET", "/nothing").json["use"] == USE


def test_images_give_the_prediction_of_the_command(images_service, signature, patient, files):
    for number in (2, 6):
        answer = images_service.client.images(*files(number))
        assert answer.status == 200, answer.body
        expected = predict_patient(signature, **patient(number))
        told = clean(answer)
        assert told["probability"] == expected.probability
        assert [one["value"] for one in told["contributions"]] == [one.value for one in expected.contributions]
    assert images_service.uploads == []


def test_a_file_of_another_sequence_is_told_by_its_name_and_content(images_service, files):
    sent, fields = files(2)
    content = {name: data for name, _, data in sent}
    swapped, _ = files(
        2, **{"image:T2": ("DWI.nii.gz", content["image:DWI"]), "mask:T2": ("DWI.nii", content["mask:DWI"])}
    )
    answer = images_service.client.images(swapped, [*fields, ("page", "true")])
    told = clean(answer)
    assert answer.status == 422 and told["refused"]
    messages = {finding["kind"]: finding["message"] for finding in told["findings"]}
    assert messages["name"] == "image:T2: the file's name says DWI"
    assert "T2 (image:T2) and DWI (image:DWI) are the same image" in messages["same image"]
    assert "No probability is given." in told["html"]


def test_all_that_is_missing_or_too_much_is_said_at_once(images_service, files):
    sent, _ = files(2)
    answer = images_service.client.images(sent[:1], [("clinical:heigth", "3")])
    told = clean(answer)
    assert answer.status == 422
    for words in ("image:DWI is missing", "mask:T2 is missing", "clinical:age is missing", "does not know 'heigth'"):
        assert words in told["error"]


FORMS = {
    "another field": ([], [("colour", "red")], 422, "colour: not used here"),
    "another file": ([("photo", "a.nii", b"")], [], 422, "photo is not a file"),
    "a file as text": ([], [("image:T2", "x")], 422, "send it with a file name"),
    "no sequence": ([("image:", "a.nii", struct.pack("<i", 348))], [], 422, "image:: not used here"),
    "a flag": ([], [("outside_range", "yes")], 422, "write true or false"),
    "twice": ([], [("label", "1"), ("label", "2")], 422, "label is given twice"),
    "a long value": ([], [("clinical:age", "5" * 3000)], 413, "longer than"),
    "many fields": ([], [(f"clinical:a{n}", "1") for n in range(201)], 413, "more than 200 fields"),
    "many files": ([(f"image:a{n}", "a", struct.pack("<i", 348)) for n in range(61)], [], 413, "more than 60 files"),
    "an empty file": ([("image:T2", "a.nii", b"")], [], 415, "image:T2 is not an image file of a type"),
    "a table": ([("image:T2", "a.nii", b"a,b\n1,2\n")], [], 415, "NIfTI (.nii, .nii.gz), NRRD"),
    "a photo": ([("mask:T2", "a.png", b"\x89PNG\r\n\x1a\n")], [], 415, "DICOM SEG"),
    "no name": ([], [("", "x")], 400, "no usable name"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_wrong_form_is_refused_with_what_to_do(images_service, name):
    sent, fields, status, words = FORMS[name]
    answer = images_service.client.images(sent, fields)
    assert (answer.status, words in clean(answer)["error"]) == (status, True), answer.body
    assert images_service.uploads == []


def test_a_body_that_ends_too_early_is_refused(images_service):
    body = b'--b\r\nContent-Disposition: form-data; name="label"\r\n\r\n1\r\n'
    for cut in (body, body + b"--b", b"--b", b"", b"x" * 100, body.replace(b"--b", b"--c")):
        answer = images_service.client.ask(
            "POST", "/predict/images", cut, Content_Type="multipart/form-data; boundary=b"
        )
        assert answer.status == 400 and "request" in clean(answer)


@pytest.mark.parametrize("boundary", ["x" * 300, '"', "\u00e4", "a b"])
def test_odd_boundaries_are_no_bug(images_service, boundary):
    answer = images_service.client.ask(
        "POST", "/predict/images", b"--x--", Content_Type=f"multipart/form-data; boundary={boundary}".encode()
    )
    assert answer.status == 400 and clean(answer)


NRRD = b"""NRRD0004
type: short
dimension: 3
sizes: 4 4 4
space: left-posterior-superior
space directions: (1,0,0) (0,1,0) (0,0,1)
space origin: (0,0,0)
encoding: raw
data file: /etc/passwd

"""
META = b"""ObjectType = Image
NDims = 3
DimSize = 4 4 4
ElementType = MET_SHORT
ElementSpacing = 1 1 1
Offset = 0 0 0
TransformMatrix = 1 0 0 0 1 0 0 0 1
ElementDataFile = ../1/file-DWI.nii.gz
"""


def damaged(content, kind):
    """A file that is not what it should be."""
    raw = bytearray(gzip.decompress(content))
    if kind == "cut":
        return content[: len(content) // 2]
    if kind == "noise":
        return gzip.compress(np.random.default_rng(1).bytes(5_000))
    if kind == "header only":
        return bytes(raw[:352])
    if kind == "claims 400 MB":
        raw[40:56] = struct.pack("<8h", 3, 32_000, 32_000, 4, 1, 1, 1, 1)
    if kind == "negative size":
        raw[42:44] = struct.pack("<h", -5)
    if kind == "no voxel size":
        raw[76:108] = struct.pack("<8f", *[float("nan")] * 8)
    if kind == "a header that names another file":
        return NRRD
    if kind == "a header that names one above":
        return META
    return bytes(raw)


KINDS = ("cut", "noise", "header only", "claims 400 MB", "negative size", "no voxel size",
         "a header that names another file", "a header that names one above")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_image_is_refused_by_its_field(images_service, files, kind):
    sent, fields = files(2)
    name, filename, content = sent[0]
    answer = images_service.client.images([(name, filename, damaged(content, kind)), *sent[1:]], fields)
    told = clean(answer)
    assert answer.status == 422 and "image:T2" in told["error"], told
    assert "root:" not in told["error"]
    assert images_service.client.images(*files(2)).status == 200


def test_a_zip_bomb_is_refused_before_it_is_unpacked(images_service, files, monkeypatch):
    raw = bytearray(352)
    struct.pack_into("<i", raw, 0, 348)
    struct.pack_into("<8h", raw, 40, 3, 2000, 2000, 1000, 1, 1, 1, 1)  # 16 GB of float
    struct.pack_into("<hh", raw, 70, 16, 32)
    struct.pack_into("<8f", raw, 76, *[1.0] * 8)
    struct.pack_into("<f", raw, 108, 352.0)
    struct.pack_into("<hh", raw, 252, 0, 1)
    struct.pack_into("<12f", raw, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    raw[344:348] = b"n+1\0"
    bomb = gzip.compress(bytes(raw) + bytes(50_000_000), 9)
    assert len(bomb) < 100_000
    sent, fields = files(2)
    began = time.monotonic()
    answer = images_service.client.images([("image:T2", "T2.nii.gz", bomb), *sent[1:]], fields)
    assert answer.status == 422 and "would be 16 GB" in clean(answer)["error"]
    assert time.monotonic() - began < 30


def _crash(signature, asked):
    os.kill(os.getpid(), signal.SIGSEGV)


def test_native_code_that_crashes_ends_no_server(images_service, files, monkeypatch):
    monkeypatch.setattr("radstudy.app.prediction.work._in_process", _crash)
    answer = images_service.client.images(*files(2))
    assert answer.status == 422 and "was ended by signal 11" in clean(answer)["error"]
    monkeypatch.undo()
    assert images_service.client.images(*files(2)).status == 200
    assert images_service.uploads == []


def _busy(in_process, signature, asked):
    """Native code that never comes back, within the time of the request; after it, as always."""
    if time.time() > asked.until:
        return in_process(signature, asked)
    with work._ended_after(asked.until - time.time()):
        return hashlib.pbkdf2_hmac("sha512", b"", b"", 2**31 - 1)  # holds no lock, and minutes long


def test_images_that_take_too_long_end_their_process(signature, files, tmp_path, monkeypatch):
    monkeypatch.setattr("radstudy.app.prediction.work._in_process", partial(_busy, work._in_process))
    with serving(signature, tmp_path, limits=ServiceLimits(work_s=4.0)) as running:
        began = time.monotonic()
        answer = running.client.images(*files(2))
        assert answer.status == 422 and "took longer than this server gives" in clean(answer)["error"]
        assert time.monotonic() - began < 30
        assert running.uploads == []


def test_more_requests_than_may_wait_are_told_to_come_again(signature, files, tmp_path):
    with serving(signature, tmp_path, limits=ServiceLimits(waiting=1)) as running:
        asked, answers = files(2), []
        clients = [threading.Thread(target=lambda: answers.append(running.client.images(*asked))) for _ in range(6)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        statuses = sorted(answer.status for answer in answers)
        assert set(statuses) == {200, 429} and statuses.count(200) >= 2
        told = next(answer for answer in answers if answer.status == 429)
        assert int(told.headers["retry-after"]) > 0 and "send this one again" in clean(told)["error"]
        assert running.client.images(*asked).status == 200


def test_files_and_requests_beyond_their_size_are_refused(signature, files, tmp_path):
    asked = files(2)
    largest = max(len(content) for _, _, content in asked[0])
    with serving(signature, tmp_path, limits=ServiceLimits(file_bytes=largest - 1)) as running:
        answer = running.client.images(*asked)
        assert answer.status == 413 and "is larger than" in clean(answer)["error"]
        assert running.uploads == []
    with serving(signature, tmp_path, limits=ServiceLimits(request_bytes=largest)) as running:
        answer = running.client.images(*asked)
        assert answer.status == 413 and "the request is larger than" in clean(answer)["error"]
        assert running.uploads == []


def test_the_log_has_every_request_and_no_patient(images_service, files):
    before = len(images_service.audit)
    told = [images_service.client.images(*files(2)), images_service.client.images([], [("clinical:age", "47.25")])]
    lines = images_service.audit[before:]
    assert [line["request"] for line in lines] == [answer.json["request"] for answer in told]
    assert [(line["kind"], line["status"], line["verdict"]) for line in lines] == [
        ("images", 200, "predicted"), ("images", 422, "not usable"),
    ]  # fmt: skip
    written = json.dumps([{**line, "time": ""} for line in lines])  # between 20 and 24 o'clock a time has "T2"
    for word in ("47.25", "T2", "DWI", "nii", "smooth", str(told[0].json["probability"])):
        assert word not in written
    assert set(lines[0]) == {
        "time", "request", "kind", "status", "verdict", "seconds", "signature", "radstudy"
    }  # fmt: skip
    assert images_service.service.audit.file.stat().st_mode & 0o777 == 0o600


def test_without_room_for_the_log_there_is_no_answer(tmp_path):
    (tmp_path / "audit.jsonl").mkdir()
    with serving(clinical_signature(), tmp_path) as running:
        answer = running.client.values(clinical={"age": 50, "margin": "rough"})
        assert answer.status == 507 and "probability" not in answer.json


def test_a_bug_is_told_by_its_id_alone(values_service, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("/home/someone/secret.txt")

    monkeypatch.setattr("radstudy.app.prediction.work.predict_features", broken)
    answer = values_service.client.values(clinical={"age": 50, "margin": "rough"})
    assert answer.status == 422
    assert (
        re.search(r"could not be computed \(bug-\w+\)", answer.json["error"]) and "secret" not in answer.json["error"]
    )
    assert "broken" in caplog.text


def test_a_stranger_reads_only_health_and_the_description(values_service):
    stranger = Client(values_service.port)
    assert clean(stranger.ask("GET", "/health"))["status"] == "ok"
    assert stranger.ask("GET", "/openapi.json").json["openapi"].startswith("3.1")
    for path in ("/signature", "/page", "/static/predict.js", "/nothing"):
        answer = stranger.ask("GET", path)
        assert answer.status == 401 and "Authorization: Bearer" in clean(answer)["error"]
