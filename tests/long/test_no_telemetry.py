"""radstudy tells nobody anything: it works without a network, and where there is one it asks the loopback alone.

``RADSTUDY_OFFLINE_PATIENTS`` says how large the demo is (24).
"""

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from long.test_reading_room import without_network
from unit.app.web.real_server import SOURCE

pytestmark = pytest.mark.long
HERE = Path(__file__).parent
PATIENTS = os.environ.get("RADSTUDY_OFFLINE_PATIENTS", "24")


def foreign(noted):
    """The notes of addresses that are neither the loopback nor a file of this computer (a Unix socket)."""
    return [note for note in noted if not _is_own(note[1])]


def _is_own(where):
    if where is None or where in ("", "localhost") or str(where).startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(where).is_loopback
    except ValueError:
        return False


def everything(folder, *before, network=""):
    """What answered, and every address that any of its processes has asked for."""
    addresses = folder / "addresses.jsonl"
    addresses.touch()
    path = os.pathsep.join(map(str, (HERE / "no_network", SOURCE, HERE.parent)))
    own = {**os.environ, "PYTHONPATH": path, "RADSTUDY_NOTED_ADDRESSES": str(addresses), "HOME": str(folder)}
    own = {name: value for name, value in own.items() if not name.lower().endswith("_proxy")}
    command = [*before, sys.executable, str(HERE / "without_network.py"), str(folder), PATIENTS]
    done = subprocess.run([*command, *([network] if network else [])], capture_output=True, text=True, env=own,
                          timeout=3600, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), [json.loads(line) for line in addresses.read_text().splitlines()]


def works(told):
    """True if the report was written and every page answered."""
    return told["report"] > 1_000_000 and all(set(told[one]) == {200} for one in ("app", "read", "serve"))


def test_demo_pages_reading_room_and_service_work_without_a_network(tmp_path):
    told, noted = everything(tmp_path, *without_network())
    assert works(told), told
    assert sum(event == "process" for event, *_ in noted) >= 5  # the demo, its workers, three servers: all were watched
    assert not foreign(noted)


def test_where_there_is_a_network_no_address_but_the_loopback_is_asked_for(tmp_path):
    told, noted = everything(tmp_path, network="with-network")
    assert works(told), told
    assert sum(event == "process" for event, *_ in noted) >= 5  # the demo, its workers, three servers: all were watched
    assert not foreign(noted)


def test_an_address_elsewhere_would_be_noted(tmp_path):
    program = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'', ('192.0.2.1', 9))"
    addresses = tmp_path / "addresses.jsonl"
    own = {**os.environ, "PYTHONPATH": str(HERE / "no_network"), "RADSTUDY_NOTED_ADDRESSES": str(addresses)}
    subprocess.run([sys.executable, "-c", program], env=own, check=False, capture_output=True)
    subprocess.run([sys.executable, "-c", "import socket; socket.getaddrinfo('radstudy.invalid', 80)"], env=own,
                   check=False, capture_output=True)  # fmt: skip
    noted = [json.loads(line) for line in addresses.read_text().splitlines()]
    assert [note[1] for note in foreign(noted)] == ["192.0.2.1", "radstudy.invalid"]
