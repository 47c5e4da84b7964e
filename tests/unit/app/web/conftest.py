"""A server on a real loopback socket, in a thread, and browsers without a screen for it."""

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from radstudy.app.web.events import Events
from radstudy.app.web.listening import Listening, PageServer, bound
from radstudy.app.web.running import LaunchRoute, check_entrance
from radstudy.app.web.security import served_at
from radstudy.app.web.server import application
from radstudy.app.web.sessions import Doorkeeper
from unit.app.web.memory_room import behind, static_of, write_images


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Browser:
    """Sends requests as a page of the server would, with the cookie that it was given."""

    port: int
    cookie: str = ""
    headers: dict = field(default_factory=dict)

    def ask(self, method, path, body=None, **headers):
        """Send a request; a header of None is left out."""
        host = f"127.0.0.1:{self.port}"
        sent = {"Host": host, **self.headers}
        if method in ("POST", "DELETE"):
            sent["Origin"] = f"http://{host}"
        if self.cookie:
            sent["Cookie"] = self.cookie
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body).encode() if isinstance(body, dict | list) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if content is not None:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read(), received)
        finally:
            connection.close()

    def enter(self, token):
        """Turn a token into a cookie."""
        answer = self.ask("POST", "/api/enter", {"token": token})
        if answer.status == 200:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer


@dataclass
class Running:
    """A server that runs in a thread."""

    port: int
    room: object
    images: object
    doorkeeper: Doorkeeper
    events: Events
    launch: LaunchRoute

    def browser(self, reader="anna", task="", role="reader"):
        """One that has entered."""
        browser = Browser(self.port)
        assert browser.enter(self.doorkeeper.launch(role=role, reader=reader, task=task)).status == 200
        return browser


def run_server(folder, *, public_url="", steps=(), is_local=True, heartbeat_s=15.0):
    """Yield a running server of a room in memory, and end it."""
    write_images(folder / "images")
    behind_it = behind(folder / "images", steps)
    with serving(
        behind_it, static_of(folder / "static"), public_url=public_url, is_local=is_local, heartbeat_s=heartbeat_s
    ) as running:
        yield running


@contextmanager
def serving(behind_it, static, *, doorkeeper=None, public_url="", is_local=True, heartbeat_s=15.0):
    """Serve a room from a thread of this process on a real socket."""
    sock = bound(Listening())
    port = sock.getsockname()[1]
    served = served_at("127.0.0.1", port, public_url)
    doorkeeper, events = doorkeeper or Doorkeeper(behind_it.room.links), Events(heartbeat_s)
    launch = LaunchRoute(lambda entering: check_entrance(entering, behind_it.room), doorkeeper, served.url)
    app = application(behind_it, served, doorkeeper, events, launch, static=static, is_local=is_local)
    server = PageServer(app, started=lambda: None, stopping=events.close)
    thread = threading.Thread(target=lambda: server.run(sockets=[sock]), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield Running(port, behind_it.room, behind_it.images, doorkeeper, events, launch)
    finally:
        server.should_exit = True
        thread.join(20)
        behind_it.images.close()
    assert not thread.is_alive()


@pytest.fixture
def server(tmp_path):
    """A server for this computer alone."""
    yield from run_server(tmp_path)


@pytest.fixture
def public_server(tmp_path):
    """A server that a reverse proxy serves to others."""
    yield from run_server(tmp_path, public_url="https://reading.example.org", is_local=False)
