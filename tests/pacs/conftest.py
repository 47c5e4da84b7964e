"""An Orthanc with its DICOMweb plugin, in a network namespace of its own: it listens on every address that it finds."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parent / "orthanc.json"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
WEB, DIMSE = "http://127.0.0.1:8042/dicom-web", "dimse://ORTHANC@127.0.0.1:4242"
SEND = """
import http.client, json, pathlib, sys
connection = http.client.HTTPConnection("127.0.0.1", 8042)
for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.dcm")):
    connection.request("POST", "/instances", file.read_bytes())
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, (answer.status, file.name)
"""
ASK = "import sys, urllib.request as r; print(r.urlopen('http://127.0.0.1:8042' + sys.argv[1]).read().decode())"


@dataclass(frozen=True)
class Orthanc:
    """A running server; commands reach it inside its namespace only."""

    namespace: str

    def command(self, *arguments: object) -> list[str]:
        """A command line that runs inside the server's namespace."""
        return ["ip", "netns", "exec", self.namespace, *map(str, arguments)]

    def inside(self, *arguments: object, check: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command inside the namespace."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == check, done.stderr
        return done

    def radstudy(self, *arguments: object, check: int = 0) -> subprocess.CompletedProcess[str]:
        """Run radstudy inside the namespace."""
        return self.inside(sys.executable, "-m", "radstudy", *arguments, check=check)

    def ask(self, path: str) -> str:
        """What the server's own interface answers."""
        return self.inside(sys.executable, "-c", ASK, path).stdout

    def send(self, folder: Path) -> None:
        """Fill the server."""
        self.inside(sys.executable, "-c", SEND, folder)


def _without() -> str:
    """Why Orthanc cannot run here; empty where it can."""
    if shutil.which("Orthanc") is None or not PLUGIN.is_file():
        return "Orthanc with its DICOMweb plugin is not installed (apt-get install orthanc orthanc-dicomweb)"
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "a network namespace needs root"


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory):
    """A running, empty Orthanc; stopped by its process id."""
    lacking = _without()
    name = f"radstudy-{os.getpid()}"
    if not lacking and subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        lacking = "network namespaces are not allowed here"
    if lacking:
        if os.environ.get("RADSTUDY_REQUIRE_ORTHANC"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    folder = tmp_path_factory.mktemp("orthanc")
    file = folder / "orthanc.json"
    file.write_text(CONFIGURATION.read_text("utf-8").replace("STORAGE", folder.as_posix()), "utf-8")
    server = Orthanc(name)
    try:
        subprocess.run(server.command("ip", "link", "set", "lo", "up"), check=True)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                server.command("Orthanc", file), stdout=log, stderr=log, env={**os.environ, "TCP_NODELAY": "1"}
            )
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(30)
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def _wait(server: Orthanc, process: subprocess.Popen) -> None:
    for _ in range(100):
        assert process.poll() is None, "Orthanc has stopped"
        done = subprocess.run(server.command(sys.executable, "-c", ASK, "/system"), capture_output=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.2)
    raise AssertionError("Orthanc does not answer")


@pytest.fixture(scope="session")
def real_patient(real_data) -> Path:
    """The real dynamic examination."""
    return real_data / "breast_dce"


@pytest.fixture(scope="session")
def filled(orthanc, real_patient) -> Orthanc:
    """An Orthanc that holds the real patient."""
    orthanc.send(real_patient)
    return orthanc


@pytest.fixture(scope="session")
def from_folder(real_patient, tmp_path_factory) -> Path:
    """The real patient imported from its folder; the pseudonyms lie beside it."""
    out = tmp_path_factory.mktemp("folder") / "out"
    command = [sys.executable, "-m", "radstudy", "import", str(real_patient), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return out
