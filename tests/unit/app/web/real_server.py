"""`radstudy read` as a process, on a study of synthetic images, and readers who send requests to it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from radstudy.formats.raster import write_raster

SOURCE = Path(__file__).resolve().parents[4] / "src"
SEQUENCES = ("T2WI", "DWI")
_IDLE_S = 2.0
STUDY = """
study: Endurance
cohort:
  table: cohort.csv
  patient: id
  side: side
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [ann, bea]
  clinical: {margin: {levels: [smooth, rough], table: imaging}}
sequences: [T2WI, DWI]
prepare: STEPS
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2WI: [T2WI]}}
reading: {practice: 0, wash_out_days: 0}
"""


def write_study(folder, *, shape=(24, 20, 6), patients=3, prepare=True):
    """A study whose patients differ in their images; without preparation a server answers sooner."""
    i, j, k = (np.arange(size, dtype=np.float32).reshape([-1 if axis == at else 1 for at in range(3)])
               for axis, size in enumerate(shape))  # fmt: skip
    for number in range(patients):
        for at, name in enumerate(SEQUENCES):
            voxels = 500 + 300 * np.sin(i / (9 + number) + at) * np.cos(j / 11) + 4 * k
            write_raster(folder / f"P{number}" / f"{name}.nii.gz", voxels.astype(np.int16), np.diag([1.06, 1.06, 4, 1]))
    table = {"id": [f"P{number}" for number in range(patients)], "side": "left", "set": "training", "margin": ""}
    table["y"] = [number % 2 for number in range(patients)]
    pd.DataFrame(table).to_csv(folder / "cohort.csv", index=False)
    steps = "[{rescale: {to: [0, 2000], from: minmax}}]" if prepare else "[]"
    (folder / "study.yaml").write_text(STUDY.replace("STEPS", steps), encoding="utf-8")
    return folder


def command_of(folder, *options):
    """The command that serves a study, and its environment."""
    command = [sys.executable, "-m", "radstudy", "read", str(folder / "study.yaml"), "--no-browser", *options]
    return command, {**os.environ, "PYTHONPATH": str(SOURCE)}


def free_port():
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@dataclass
class Server:
    """A server's process, the address and the token of the link that it has printed."""

    process: subprocess.Popen
    port: int
    token: str
    readers: list = field(default_factory=list)

    @property
    def address(self):
        """What its pages begin with."""
        return f"http://127.0.0.1:{self.port}"

    def processor_s(self):
        """Seconds of processor time that the process itself has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        """Bytes of memory of the process and those that it has started; what they share counts once."""
        return sum(map(_resident, [self.process.pid, *_children(self.process.pid)]))

    def reader(self, token=""):
        """One who has entered."""
        reader = Reader(self.port)
        self.readers.append(reader)
        status, _ = reader.ask("POST", "/api/enter", {"token": token or self.token})
        assert status == 200
        return reader


@contextmanager
def served(folder, reader="ann", *options):
    """A server that answers; killed at the end if it still lives."""
    command, environment = command_of(folder, "--reader", reader, *options)
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    try:
        line = process.stdout.readline().strip()
        assert "/#" in line, (folder / "server.log").read_text()
        address, _, token = line.partition("/#")
        server = Server(process, int(address.rpartition(":")[2]), token)
        yield server
        for one in server.readers:
            one.connection.close()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()


@dataclass
class Forked:
    """A server's process that was forked from one that has the program in memory already."""

    pid: int
    parent: subprocess.Popen

    def kill(self):
        """End it as the system does when it has no memory left."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """Wait for its end."""
        assert self.parent.stdout.readline() == "ended\n"


@contextmanager
def nursery():
    """Give a function that serves a study as `served` does, without the seconds in which a program is loaded."""
    paths = os.pathsep.join(map(str, (SOURCE, Path(__file__).parents[3])))
    parent = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip

    def serve(folder, reader, *options):
        parent.stdin.write(json.dumps(command_of(folder, "--reader", reader, *options)[0][2:]) + "\n")
        parent.stdin.flush()
        process = Forked(int(parent.stdout.readline()), parent)
        address, _, token = parent.stdout.readline().strip().partition("/#")
        return Server(process, int(address.rpartition(":")[2]), token)

    try:
        yield serve
    finally:
        parent.stdin.close()
        parent.wait(60)
        parent.stdout.close()


def link_for(folder, *who):
    """The token of another link to the server that runs, by a second call."""
    command, environment = command_of(folder, *who)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    return done.stdout.strip().partition("/#")[2]


class Reader:
    """A reader's browser: one connection that stays open, and the cookie."""

    def __init__(self, port):
        self.port, self.cookie, self.seconds, self._asked = port, "", [], 0.0
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def ask(self, method, path, body=None):
        """Status and content of an answer, JSON unless it is an image; how long it took is noted."""
        headers = {"Origin": f"http://127.0.0.1:{self.port}", "Cookie": self.cookie}
        began = time.perf_counter()
        if began - self._asked > _IDLE_S:
            self.connection.close()  # the server ends what is idle for 5 s
        self._asked = began
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.seconds.append(time.perf_counter() - began)
        if given := answer.getheader("set-cookie"):
            self.cookie = given.partition(";")[0]
        is_json = answer.getheader("content-type") == "application/json"
        return answer.status, json.loads(content) if is_json else content

    def next(self, task="masks"):
        """The path of the next case."""
        return f"/api/case/{task}/{self.ask('GET', f'/api/worklist/{task}')[1]['next']}"

    def open(self, case, tab, *, take=False):
        """Status and document of a case."""
        return self.ask("POST", f"{case}/open", {"tab": tab, "take": take})

    def stroke(self, case, tab, revision, runs, sequence="T2WI"):
        """Status and answer to a stroke."""
        body = {"tab": tab, "sequence": sequence, "revision": revision, "tool": "brush", "runs": runs,
                "view": {"zoom": 1.5}}  # fmt: skip
        return self.ask("POST", f"{case}/stroke", body)


def _resident(pid):
    try:
        parts = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in parts.splitlines() if line.startswith("Pss:")), 0)


def _children(pid):
    """Processes that a process has started, and those that these have."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        own = [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    except OSError:
        return []
    return [*own, *(child for one in own for child in _children(one))]


def _fork_for_each_line():
    """Run the program, loaded once, with the arguments of each line, in a process of its own."""
    from radstudy.app.web import of_study  # noqa: F401
    from radstudy.cli import main

    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            print(os.getpid(), flush=True)
            sys.argv = json.loads(line)
            sys.exit(main())
        os.waitpid(pid, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    _fork_for_each_line()
