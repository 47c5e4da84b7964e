"""The server as a process: one line on stdout, clean ends, one server per study, no token where others may see it."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from radstudy.app.web import browser as browser_module
from radstudy.app.web.browser import Opened, remove_left
from radstudy.app.web.listening import Listening, bound, study_port
from radstudy.app.web.running import RUNNING, Entrance, link_of_running, only_server, write_running
from radstudy.app.web.server import serve
from radstudy.errors import UsageError
from radstudy.store import read_json
from unit.app.web.conftest import Browser
from unit.app.web.memory_room import static_of, write_images

ROOM = Path(__file__).with_name("memory_room.py")
TESTS = ROOM.parents[3]
ROOT = TESTS.parent
LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#([A-Za-z0-9_-]{43})\n\Z")


@pytest.fixture
def study(tmp_path):
    """A study's folder."""
    write_images(tmp_path / "images")
    static_of(tmp_path / "static")
    return tmp_path


def start(study, reader="anna", task="masks", *options, **environment):
    """A process that serves it."""
    paths = os.pathsep.join(map(str, (ROOT / "src", TESTS)))
    return subprocess.Popen(
        [sys.executable, str(ROOM), str(study), reader, task, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": paths, **environment},
    )  # fmt: skip


def ended(process, how=signal.SIGTERM):
    """Exit code, the rest of stdout, and stderr of a process that is told to end."""
    process.send_signal(how)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@contextmanager
def running(study, *arguments, **environment):
    """A server that answers, with the first line that it has printed; killed if it still lives at the end."""
    process = start(study, *arguments, **environment)
    try:
        yield process, process.stdout.readline()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_one_line_then_answers_then_a_clean_end(study, how):
    with running(study) as (process, line):
        port, token = LINK.match(line).groups()
        page = Browser(int(port))
        assert page.enter(token).status == 200
        assert page.ask("GET", "/api/me").json["reader"] == "anna"
        with socket.create_connection(("127.0.0.1", int(port)), 20) as stream:  # an open event stream delays nothing
            head = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {page.cookie}\r\n\r\n"
            stream.sendall(head.encode())
            stream.recv(65_536)
            began = time.monotonic()
            code, out, err = ended(process, how)
            said = b""
            while part := stream.recv(65_536):
                said += part
        assert (code, out) == (0, ""), err
        assert time.monotonic() - began < 4 and b"event: bye" in said
        assert "Traceback" not in err and token not in err
    assert (study / "shut").read_text() == "shut"
    assert sorted(file.name for file in (study / "reading").iterdir()) in ([".server.lock"], [])


def test_the_file_of_the_server_is_its_owners_and_has_no_token(study):
    with running(study) as (process, line):
        file = study / "reading" / RUNNING
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        content = read_json(file)
        assert content["pid"] == process.pid and content["port"] == int(LINK.match(line)[1])
        assert LINK.match(line)[2] not in file.read_text()


def test_a_second_call_gets_a_link_to_the_server_that_runs(study):
    with running(study) as (first, line):
        second = start(study, "boris", "masks")
        out, err = second.communicate(timeout=60)
        assert second.returncode == 0 and "open already" in err
        (port, token), (first_port, first_token) = LINK.match(out).groups(), LINK.match(line).groups()
        assert port == first_port and token != first_token
        boris = Browser(int(port))
        assert boris.enter(token).status == 200 and boris.ask("GET", "/api/me").json["reader"] == "boris"
        wrong = start(study, "dora", "masks")
        _, err = wrong.communicate(timeout=60)
        assert wrong.returncode != 0 and "choose from anna, boris, cara" in err
        assert ended(first)[0] == 0


@pytest.mark.long
def test_a_killed_server_leaves_nothing_that_misleads_the_next(study):
    with running(study) as (first, line):
        old = LINK.match(line)[2]
        first.kill()
        first.communicate()
    assert (study / "reading" / RUNNING).exists()
    (study / "reading" / "open-0123456789abcdef.html").write_text("left")
    with running(study) as (second, line):
        port, token = LINK.match(line).groups()
        assert Browser(int(port)).enter(old).status == 401
        assert Browser(int(port)).enter(token).status == 200
        assert not list((study / "reading").glob("open-*"))
        assert ended(second)[0] == 0


def _arguments_of_all():
    """The arguments and environment of every process that can be seen."""
    seen = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            seen.append((folder / "cmdline").read_bytes())
        except OSError:
            continue
    return b"\n".join(seen)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="this system does not list processes in /proc")
def test_the_browser_is_opened_by_a_file_so_that_no_list_of_processes_shows_the_token(study):
    shown = study / "shown.txt"
    viewer = study / "viewer.sh"
    viewer.write_text(
        f'#!/bin/sh\nexec > /dev/null 2>&1\necho $$ > "{study}/viewer.pid"\n'
        f'cat "${{1#file://}}" > "{shown}.part"\nmv "{shown}.part" "{shown}"\nwhile sleep 0.2; do :; done\n'
    )
    viewer.chmod(0o755)
    process = start(study, "anna", "masks", "browser=yes", BROWSER=f"{viewer} %s &")
    try:
        until = time.monotonic() + 60
        while not shown.exists() and time.monotonic() < until:
            time.sleep(0.05)
        url = re.search(r"url=(http://127\.0\.0\.1:(\d+)/#([\w-]{43}))", shown.read_text())
        (file,) = (study / "reading").glob("open-*.html")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        listed = _arguments_of_all()
        assert file.name.encode() in listed and url[3].encode() not in listed
        page = Browser(int(url[2]))
        assert page.enter(url[3]).status == 200
        code, out, err = ended(process)
        assert code == 0 and not out and url[3] not in err
        assert not file.exists()
    finally:
        process.kill()
        os.kill(int((study / "viewer.pid").read_text()), signal.SIGTERM)
        process.communicate(timeout=30)


def test_where_no_browser_can_be_started_the_link_is_printed(study, monkeypatch):
    monkeypatch.setattr(browser_module.webbrowser, "open", lambda url: False)
    opened = Opened("http://127.0.0.1:1/#t", study)
    assert not opened.show() and not list(study.glob("open-*"))


def test_the_file_for_the_browser_goes_after_its_time(study, monkeypatch):
    monkeypatch.setattr(browser_module, "_KEPT_S", 0.2)
    monkeypatch.setattr(browser_module.webbrowser, "open", lambda url: True)
    opened = Opened("http://127.0.0.1:1/#t&<", study)
    assert opened.show()
    (file,) = study.glob("open-*.html")
    assert "#t&amp;&lt;" in file.read_text()
    opened.wait()
    assert not file.exists()
    Opened("http://127.0.0.1:1/#t", study)
    remove_left(study)
    assert not list(study.glob("open-*"))


# --- what is refused --------------------------------------------------------------------------------------------------


def _never():
    raise AssertionError("nothing is opened")


def test_answers_are_sent_at_once():
    """Otherwise each waits for the browser's confirmation of its first part: 40 ms."""
    import asyncio

    async def without_delay():
        accepted = asyncio.get_running_loop().create_future()
        listener = bound(Listening())

        class Noting(asyncio.Protocol):
            def connection_made(self, transport):
                sock = transport.get_extra_info("socket")
                accepted.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        server = await asyncio.get_running_loop().create_server(Noting, sock=listener)
        with socket.create_connection(listener.getsockname(), 10):
            answer = await accepted
        server.close()
        return answer

    assert asyncio.run(without_delay())


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}.*--port"):
            serve(tmp_path / "reading", _never, Entrance("reader", "anna"), listening=Listening(port=port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_network_takes_a_public_url(tmp_path, host):
    with pytest.raises(UsageError, match="--public-url"):
        serve(tmp_path / "reading", _never, Entrance("reader", "anna"), listening=Listening(host=host))


@pytest.mark.parametrize(("listening", "warned"), [
    (Listening(), False), (Listening(public_url="https://reading.example.org"), False),
    (Listening(public_url="http://reading.example.org"), True),
])  # fmt: skip
def test_that_nothing_is_encrypted_is_said(tmp_path, listening, warned):
    said = []
    with pytest.raises(AssertionError, match="nothing is opened"):
        serve(tmp_path / "reading", _never, Entrance("reader", "anna"), listening=listening, say=said.append)
    assert any("unencrypted" in line for line in said) == warned


def test_another_program_at_the_port_gets_no_secret_and_gives_no_link(tmp_path):
    """The port of a server that was killed may be another program's by now."""
    import threading

    got = []

    def answer(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                got.append(connection.recv(65_536))
                body = b'{"url": "http://evil.example/#t", "proof": "00"}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with only_server(tmp_path) as first, socket.create_server(("127.0.0.1", 0)) as listener:
        assert first
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        write_running(tmp_path, address="127.0.0.1", port=listener.getsockname()[1], secret="the-secret", pid=1)
        with pytest.raises(UsageError, match="does not answer"):
            link_of_running(tmp_path, Entrance("reader", "anna"), patience_s=0.3)
        listener.shutdown(socket.SHUT_RDWR)
    assert got and not any(b"the-secret" in one for one in got)


def test_asking_for_a_link_takes_the_secret_and_works_once(server):
    from radstudy.app.web.running import _proof

    def body(secret, nonce="n1"):
        return {"role": "lead", "reader": "", "task": "", "nonce": nonce,
                "proof": _proof(secret, ["ask", nonce, "lead", "", ""])}  # fmt: skip

    stranger = Browser(server.port)
    assert stranger.ask("POST", "/api/launch", body("guess")).status == 401
    known = body(server.launch.secret)
    assert stranger.ask("POST", "/api/launch", known).status == 200
    assert stranger.ask("POST", "/api/launch", known).status == 401  # heard and sent again by somebody else
    assert stranger.ask("POST", "/api/launch", {**body(server.launch.secret, "n2"), "role": "reader"}).status == 401
    assert stranger.ask("GET", "/api/launch").status == 401


def test_a_lock_is_free_again_and_a_second_holder_is_told(tmp_path):
    with only_server(tmp_path / "reading") as first:
        with only_server(tmp_path / "reading") as second:
            assert (first, second) == (True, False)
        write_running(tmp_path / "reading", address="127.0.0.1", port=1, secret="s", pid=2)
    with only_server(tmp_path / "reading") as again:
        assert again and not (tmp_path / "reading" / RUNNING).exists()


def test_a_study_has_the_same_port_at_each_start_unless_another_program_has_it(tmp_path):
    with bound(Listening(), tmp_path) as first:
        assert first.getsockname()[1] == study_port(tmp_path) != study_port(tmp_path / "other")
        with bound(Listening(), tmp_path) as second:
            assert second.getsockname()[1] not in {0, study_port(tmp_path)}
    with bound(Listening(), tmp_path) as again:
        assert again.getsockname()[1] == study_port(tmp_path)
