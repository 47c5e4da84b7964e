"""The service of a signature on a real loopback socket, in a thread."""

import json
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from radstudy.app.prediction.audit import AuditLog
from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.prediction.line import Line
from radstudy.app.prediction.routes import Service
from radstudy.app.prediction.server import application, new_doorkeeper
from radstudy.app.prediction.uploads import upload_root
from radstudy.app.web.listening import Listening, PageServer, bound
from radstudy.app.web.security import served_at
from unit.app.web.conftest import Browser
from unit.signature.clinical import clinical_signature
from unit.signature.conftest import patient, signature, small  # noqa: F401 - fixtures


def multipart(files=(), fields=()):
    """Body and type of a form: files are (field, file name, content), fields (name, text)."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, filename, content in files
    ] + [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Client(Browser):
    """A program that sends the token with each request."""

    token: str = ""

    def ask(self, method, path, body=None, **headers):
        """Send a request; no origin, since no browser sends it."""
        sent = {"Authorization": f"Bearer {self.token}" if self.token else None, "Origin": None, **headers}
        return super().ask(method, path, body, **sent)

    def values(self, **body):
        """Ask for a prediction from values."""
        return self.ask("POST", "/predict", body, Content_Type="application/json")

    def images(self, files=(), fields=()):
        """Ask for a prediction from images."""
        body, kind = multipart(files, fields)
        return self.ask("POST", "/predict/images", body, Content_Type=kind)


@dataclass
class RunningService:
    """A service that runs in a thread."""

    port: int
    service: Service
    token: str
    doorkeeper: object

    @property
    def client(self):
        """A program that knows the token."""
        return Client(self.port, token=self.token)

    @property
    def audit(self):
        """The lines of the log."""
        file = self.service.audit.file
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def uploads(self):
        """Files of requests that are still there."""
        return [file for file in self.service.uploads.rglob("*") if file.is_file() and file.name != ".lock"]


@contextmanager
def serving(model, folder, *, limits=None, public_url=""):
    """Serve a signature from a thread of this process."""
    limits = limits or ServiceLimits()
    sock = bound(Listening())
    port = sock.getsockname()[1]
    doorkeeper = new_doorkeeper()
    with upload_root() as uploads:
        service = Service(model, "0" * 32, AuditLog(folder / "audit.jsonl", "0" * 32), uploads, limits,
                          Line(limits.waiting))  # fmt: skip
        app = application(service, served_at("127.0.0.1", port, public_url), doorkeeper)
        server = PageServer(app, started=lambda: None, stopping=lambda: None)
        thread = threading.Thread(target=lambda: server.run(sockets=[sock]), daemon=True)
        thread.start()
        until = time.monotonic() + 20
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        try:
            yield RunningService(port, service, doorkeeper.launch(role="lead", reader=""), doorkeeper)
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()
    assert not uploads.exists()


@pytest.fixture(scope="module")
def values_service(tmp_path_factory):
    """Of a signature of clinical variables."""
    with serving(clinical_signature(), tmp_path_factory.mktemp("values")) as running:
        yield running


@pytest.fixture(scope="module")
def images_service(signature, tmp_path_factory):  # noqa: F811
    """Of a signature that needs images of two sequences."""
    with serving(signature, tmp_path_factory.mktemp("images")) as running:
        yield running


@pytest.fixture
def files(patient):  # noqa: F811
    """Number of a patient to the files of a request and its other fields."""

    def given(number=0, **changed):
        asked = patient(number)
        sent = {
            f"{kind}:{name}": (f"{kind}:{name}", Path(path).name, Path(path).read_bytes())
            for kind in ("image", "mask")
            for name, path in asked[f"{kind}s"].items()
        }
        sent |= {name: (name, filename, content) for name, (filename, content) in changed.items()}
        return list(sent.values()), [(f"clinical:{name}", value) for name, value in asked["clinical"].items()]

    return given
