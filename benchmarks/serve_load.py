"""Load on `radstudy serve`: latency, memory and files over minutes, and the cold and warm time of one prediction.

    python benchmarks/serve_load.py RUN/signature.json --data DATA --minutes 10 --json F

DATA is the folder of a demo (`radstudy demo --out DIR` writes DIR/data): images and masks of its patients are sent.
Several clients send without pause, so that requests wait and some are told to come again (429). Any other status, a
probability that changes for a patient, and a file that is left are errors (exit code 1).

`cold_start_s` is from the call of the command to its link: Python, libraries and the verification of the signature.
`first_s` is the first prediction after it, `warm_s` the median of the next ones, alone. `--no-cache` compiles the
kernels anew, as the very first run on a computer does. Memory is that of the server and its processes, what they share
counted once; `growth_mb` compares the medians of the last and the second quarter.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 600


@dataclass
class Server:
    """A server that answers."""

    process: subprocess.Popen[str]
    port: int
    token: str
    start_s: float

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, dict, float]:
        """Status, JSON and seconds of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        headers = {"Authorization": f"Bearer {self.token}", **({"Content-Type": kind} if kind else {})}
        began = time.perf_counter()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = json.loads(response.read())
            return response.status, content, time.perf_counter() - began
        finally:
            connection.close()

    def memory_mb(self) -> float:
        """Memory of the server and the processes that it started, in MB."""
        pids, due = [], [self.process.pid]
        while due:
            pids.append(pid := due.pop())
            try:
                due += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                continue
        return sum(map(_proportional_kb, pids)) / 1000


def _proportional_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


@dataclass
class Met:
    """What the clients met."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    probabilities: dict[str, set[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, patient: str, status: int, content: dict, seconds: float) -> None:
        """Note one answer."""
        with self.lock:
            self.statuses[status] += 1
            if status == 200:
                self.seconds.append(seconds)
                self.probabilities.setdefault(patient, set()).add(content["probability"])
            elif status not in (422, 429) or (status == 422 and not content.get("refused")):
                self.problems.append(f"{patient}: {status} {content}")


def start(signature: Path, folder: Path, *, cache: bool) -> Server:
    """Start the server and wait for its link."""
    source = Path(__file__).resolve().parents[1] / "src"
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(
        [str(source), *filter(None, [os.environ.get("PYTHONPATH")])])}  # fmt: skip
    if not cache:
        environment["NUMBA_CACHE_DIR"] = str(folder / "compiled")
    command = [sys.executable, "-m", "radstudy", "serve", str(signature), "--no-browser", "--audit",
               str(folder / "audit.jsonl")]  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if "/#" not in line:
        raise SystemExit("the server did not start")
    address, _, token = line.partition("/#")
    return Server(process, int(address.rpartition(":")[2]), token, time.perf_counter() - began)


def requests_of(data: Path, asked: dict, most: int) -> dict[str, tuple[bytes, str]]:
    """Patient to body and type of the request, for the sequences that the signature asks for."""
    needed = [sequence["name"] for sequence in asked["sequences"] if sequence["needed"]]
    bodies = {}
    for place in sorted((data / "images").iterdir())[:most]:
        masks = {name: sorted((data / "masks" / place.name).glob(f"{name}_*.nii.gz"))[0] for name in needed}
        files = {f"image:{name}": place / f"{name}.nii.gz" for name in needed}
        files |= {f"mask:{name}": mask for name, mask in masks.items()}
        bodies[place.name] = _form(files)
    return bodies


def _form(files: dict[str, Path]) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file.name}"\r\n\r\n'.encode()
        + file.read_bytes()
        + b"\r\n"
        for name, file in files.items()
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def load(server: Server, bodies: dict[str, tuple[bytes, str]], minutes: float, clients: int) -> tuple[Met, list[float]]:
    """Send from several clients without pause; return what they met and the memory every second."""
    met, memory = Met(), []
    until = time.monotonic() + 60 * minutes

    def client(number: int) -> None:
        names = list(bodies)
        at = number
        while time.monotonic() < until:
            name = names[at % len(names)]
            try:
                status, content, seconds = server.ask("POST", "/predict/images", *bodies[name])
            except OSError as error:
                with met.lock:
                    met.problems.append(f"{name}: {error!r}")
                continue
            met.add(name, status, content, seconds)
            at += 1
            if status == 429:
                time.sleep(0.5)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        memory.append(server.memory_mb())
        time.sleep(1.0)
    return met, memory


def alone(server: Server, bodies: dict[str, tuple[bytes, str]], times: int) -> list[float]:
    """Seconds of predictions one after another, by nobody else."""
    names = list(bodies)
    return [server.ask("POST", "/predict/images", *bodies[names[at % len(names)]])[2] for at in range(times)]


def summary(server: Server, single: list[float], met: Met, memory: list[float], left: list[str]) -> dict[str, object]:
    """The figures."""
    cuts = statistics.quantiles(met.seconds, n=20) if len(met.seconds) > 1 else [float("nan")] * 19
    quarter = max(len(memory) // 4, 1)
    second, last = memory[quarter : 2 * quarter] or memory, memory[-quarter:]
    changing = [name for name, values in met.probabilities.items() if len(values) > 1]
    return {
        "cold_start_s": server.start_s, "first_s": single[0], "warm_s": statistics.median(single[1:]),
        "p50_s": cuts[9], "p95_s": cuts[18], "answered": len(met.seconds),
        "statuses": {str(status): count for status, count in sorted(met.statuses.items())},
        "memory_mb": {"first": memory[0], "largest": max(memory), "last": memory[-1]},
        "growth_mb": statistics.median(last) - statistics.median(second),
        "problems": [*met.problems[:10], *(f"{name}: its probability changes" for name in changing), *left],
    }  # fmt: skip


def main() -> None:
    """Measure, print, and end with 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("signature", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument(
        "--clients", type=int, default=12, help="more than may wait, so that some are told to come again"
    )
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--no-cache", action="store_true", help="compile the kernels anew")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="serve-load-") as folder:
        server = start(given.signature.resolve(), Path(folder), cache=not given.no_cache)
        try:
            asked = server.ask("GET", "/signature")[1]
            bodies = requests_of(given.data, asked, given.patients)
            single = alone(server, bodies, 11)
            met, memory = load(server, bodies, given.minutes, given.clients)
            left = [str(file) for file in Path(folder).glob("radstudy-serve-*/*") if file.name != ".lock"]
        finally:
            server.process.send_signal(signal.SIGTERM)
            code = server.process.wait(60)
        left += [f"exit code {code}"] if code else []
        left += [str(path) for path in Path(folder).glob("radstudy-serve-*")]
    told = summary(server, single, met, memory, left)
    print(json.dumps(told, indent=1))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.exit(bool(told["problems"]))


if __name__ == "__main__":
    main()
