"""The demo, the pages, the reading room and the service of a signature, where there is a loopback and nothing else.

Run in a network of its own: ``unshare -n python without_network.py FOLDER PATIENTS``. Prints what answered as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from long.offline_room import bring_up_loopback
from unit.app.web.real_server import Reader, write_study


def answers_of(folder, log, *arguments, asked):
    """Status of each path that is asked of a server of ours, which then ends in good order."""
    command = [sys.executable, "-m", "radstudy", *arguments, "--no-browser"]
    with log.open("a") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, cwd=folder)
    try:
        line = process.stdout.readline().strip()
        address, _, token = line.partition("/#")
        reader = Reader(int(address.rpartition(":")[2]))
        statuses = [reader.ask("POST", "/api/enter", {"token": token})[0]] if token else []
        statuses += [reader.ask("GET", path)[0] for path in asked]
        reader.connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=120)
    return statuses


def main():
    """Bring up the loopback; make, show, read and serve a study."""
    folder, patients = Path(sys.argv[1]), sys.argv[2]
    if sys.argv[3:] != ["with-network"]:
        bring_up_loopback()
    log = folder / "servers.log"
    subprocess.run([sys.executable, "-m", "radstudy", "demo", "--patients", patients, "--out", str(folder / "demo")],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    told = {
        "report": (folder / "demo" / "report.html").stat().st_size,
        "app": answers_of(folder, log, "app", str(folder), asked=("/home", "/api/me", "/api/places")),
        "read": answers_of(folder, log, "read", str(write_study(folder / "reading") / "study.yaml"), "--reader", "ann",
                           asked=("/api/worklist/masks",)),
        "serve": answers_of(folder, log, "serve", str(folder / "demo" / "signature.json"), asked=("/health",)),
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    os.umask(0o077)
    main()
