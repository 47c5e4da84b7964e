"""Requests to the service that are not heard: of strangers, under other names, from other pages, slow, too large."""

import socket
import time

import pytest

from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.web.security import ENTER, HEADERS
from radstudy.signature.document import USE
from unit.app.prediction.conftest import Client, multipart, serving
from unit.app.web.conftest import Browser
from unit.signature.clinical import clinical_signature

ASKED = {"clinical": {"age": 50, "margin": "rough"}}


def entered(service):
    """A browser with a session."""
    browser = Browser(service.port)
    assert browser.enter(service.token).status == 200
    return browser


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/signature"), ("GET", "/page"), ("GET", "/static/predict.js"), ("POST", "/predict"),
    ("POST", "/predict/images"), ("GET", "/missing"),
])  # fmt: skip
def test_without_a_session_a_path_is_401(values_service, method, path):
    before = len(values_service.audit)
    for client in (
        Client(values_service.port), Client(values_service.port, token="guessed"),
        Client(values_service.port, token=values_service.token.swapcase()),
        Browser(values_service.port, cookie=f"{values_service.doorkeeper.cookie}=guessed"),
    ):  # fmt: skip
        answer = client.ask(method, path, b"" if method == "POST" else None)
        assert (answer.status, answer.json["use"]) == (401, USE)
    assert len(values_service.audit) == before


@pytest.mark.parametrize("given", ["Basic {}", "{}", "Bearer", "Bearer {}, Bearer {}", "Bearer {} x"])
def test_the_token_is_heard_in_its_one_form_alone(values_service, given):
    client = Client(values_service.port)
    header = given.replace("{}", values_service.token)
    assert client.ask("GET", "/signature", Authorization=header).status == 401


def test_a_wrong_token_is_not_mended_by_a_cookie(values_service):
    browser = entered(values_service)
    assert browser.ask("GET", "/signature").status == 200
    assert browser.ask("GET", "/signature", Authorization="Bearer wrong").status == 401


def test_another_host_is_refused_everywhere(values_service):
    for path in ("/health", "/openapi.json", "/", "/signature"):
        for host in ("evil.example", f"evil.example:{values_service.port}", "127.0.0.1:1", ""):
            assert values_service.client.ask("GET", path, Host=host).status in (400, 403), (path, host)
    assert values_service.client.ask("POST", "/predict", ASKED, Host="evil.example").status == 403


def test_a_page_needs_its_origin_and_a_program_with_a_token_does_not(values_service):
    browser, sent = entered(values_service), {"Content_Type": "application/json"}
    assert browser.ask("POST", "/predict", ASKED, **sent).status == 200
    assert browser.ask("POST", "/predict", ASKED, Origin=None, **sent).status == 403
    for origin in ("https://evil.example", "null", f"https://127.0.0.1:{values_service.port}"):
        assert browser.ask("POST", "/predict", ASKED, Origin=origin, **sent).status == 403
        assert values_service.client.ask("POST", "/predict", ASKED, Origin=origin, **sent).status == 403
    assert browser.ask("POST", "/predict", ASKED, Sec_Fetch_Site="cross-site", **sent).status == 403
    assert values_service.client.ask("POST", "/predict", ASKED, **sent).status == 200


def test_guessed_links_are_slowed_down(tmp_path):
    with serving(clinical_signature(), tmp_path) as running:
        statuses = [Browser(running.port).enter(f"guess{number}").status for number in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        assert Browser(running.port).enter(running.token).status == 200


def test_every_answer_keeps_the_page_to_itself(values_service):
    client = values_service.client
    answers = [
        client.ask("GET", "/"), client.ask("GET", "/page"), client.ask("GET", "/health"), client.values(**ASKED),
        client.values(), client.ask("PUT", "/predict"), client.ask("GET", "/missing"),
        Client(values_service.port).ask("GET", "/signature"), client.ask("GET", "/", Host="evil.example"),
    ]  # fmt: skip
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
        assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers
    assert client.values(**ASKED).headers["cache-control"] == "no-store"


def test_a_public_address_is_the_only_further_name(tmp_path):
    with serving(clinical_signature(), tmp_path, public_url="https://predict.example.org") as running:
        client, sent = running.client, {"Content_Type": "application/json"}
        assert client.ask("GET", "/health", Host="predict.example.org").status == 200
        assert client.ask("GET", "/health", Host="predict.example.com").status == 403
        browser = Browser(running.port)
        answer = browser.ask("POST", ENTER, {"token": running.token}, Host="predict.example.org",
                             Origin="https://predict.example.org")  # fmt: skip
        assert answer.status == 200 and "; Secure" in answer.headers["set-cookie"]
        assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
        assert client.ask("POST", "/predict", ASKED, Origin="https://predict.example.org", **sent).status == 200


def raw(service, head, parts=(), pause_s=0.0):
    """The first line of the answer to a request that is sent bit by bit."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        lines = [*head, f"Host: 127.0.0.1:{service.port}", f"Authorization: Bearer {service.token}"]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause_s)
        return connection.makefile("rb").readline().decode()


def test_an_upload_that_does_not_come_ends_in_time_and_leaves_nothing(signature, tmp_path):
    with serving(signature, tmp_path, limits=ServiceLimits(upload_s=1.5)) as running:
        body, kind = multipart([("image:T2", "T2.nii", b"\x5c\x01\0\0" + bytes(10_000))])
        head = ["POST /predict/images HTTP/1.1", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        began = time.monotonic()
        drip = [body[at : at + 10] for at in range(0, 300, 10)]
        assert " 408 " in raw(running, head, [body[:5_000], *drip], pause_s=0.1)
        assert time.monotonic() - began < 10
        assert running.uploads == [] and running.service.line.taken == 0
        assert running.audit[-1]["status"] == 408


def test_a_sender_who_goes_away_leaves_nothing(signature, tmp_path):
    with serving(signature, tmp_path) as running:
        body, kind = multipart([("image:T2", "T2.nii", b"\x5c\x01\0\0" + bytes(10_000))])
        lines = ["POST /predict/images HTTP/1.1", f"Content-Type: {kind}", f"Content-Length: {len(body)}",
                 f"Host: 127.0.0.1:{running.port}", f"Authorization: Bearer {running.token}"]  # fmt: skip
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:6_000])
            until = time.monotonic() + 10
            while not running.uploads and time.monotonic() < until:
                time.sleep(0.02)
            assert running.uploads and running.service.line.taken == 1
        until = time.monotonic() + 10
        while not running.audit and time.monotonic() < until:
            time.sleep(0.02)
        assert running.uploads == [] and running.service.line.taken == 0
        assert running.audit[-1]["verdict"] == "not heard"


def test_a_body_that_is_announced_as_huge_is_refused_before_it_is_read(values_service):
    for path in ("/predict", "/predict/images", ENTER):
        head = [f"POST {path} HTTP/1.1", "Content-Type: application/json", f"Content-Length: {10**12}",
                f"Origin: http://127.0.0.1:{values_service.port}"]  # fmt: skip
        assert " 413 " in raw(values_service, head), path


def test_an_endless_body_without_its_length_is_refused_early(signature, tmp_path):
    limits = ServiceLimits(request_bytes=200_000, file_bytes=100_000, discarded_bytes=300_000)
    with serving(signature, tmp_path, limits=limits) as running:
        head = ["POST /predict/images HTTP/1.1", "Content-Type: multipart/form-data; boundary=b",
                "Transfer-Encoding: chunked"]  # fmt: skip
        block = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        start = b'--b\r\nContent-Disposition: form-data; name="image:T2"; filename="a.nii"\r\n\r\n'
        first = f"{len(start):x}\r\n".encode() + start + b"\r\n"
        assert " 413 " in raw(running, head, [first, *[block] * 100])
        assert running.uploads == []
