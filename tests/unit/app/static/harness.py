"""A small server of the case page with the reading room's addresses, for one case of synthetic images on any grid.

It keeps strokes as the reading room does: a stroke with revision n is accepted only if n are stored. Tests switch
it off, slow it down or change a mask behind the page's back.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy import ndimage

import radstudy

APP = Path(radstudy.__file__).parent / "app"
HERE = Path(__file__).parent
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
Compute = Callable[["Sequence_", dict[str, Any]], NDArray[np.uint8]]


@dataclass
class Sequence_:  # noqa: N801  (Sequence is typing's)
    """One sequence: its images by name (a phase is another name), its mask and strokes."""

    name: str
    images: dict[str, NDArray[Any]]
    affine: NDArray[np.float64]
    phases: dict[str, NDArray[Any]] = field(default_factory=dict)
    windows: Sequence[tuple[float, float]] = ()
    grid: str = ""
    strokes: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """The mask as one line, i fastest."""
        return np.zeros(self.first.size, np.uint8)

    @property
    def first(self) -> NDArray[Any]:
        return next(iter(self.images.values()))

    @property
    def volume(self) -> NDArray[np.uint8]:
        """The mask on the grid."""
        return self.codes.reshape(self.first.shape, order="F")

    def draw(self, stroke: dict[str, Any]) -> None:
        for start, length, code in stroke["runs"]:
            self.codes[start : start + length] = code
        self.strokes.append(stroke)

    @property
    def state(self) -> dict[str, Any]:
        return {"revision": len(self.strokes), "runs": runs_of(self.codes)}

    @property
    def document(self) -> dict[str, Any]:
        return {
            "name": self.name, "shape": list(self.first.shape), "affine": self.affine.tolist(),
            "spacing_mm": np.linalg.norm(self.affine[:3, :3], axis=0).tolist(), "dtype": self.first.dtype.name,
            "unit": "a.u.", "images": list(self.images), "phases": list(self.phases), "curve": len(self.phases) > 1,
            "windows": list(self.windows),
            "grid": self.grid or self.name,
        }  # fmt: skip


def problem(text: str, *, item: str = "", sequence: str = "") -> dict[str, str]:
    """Something that is missing before a case can be closed, as the server tells it."""
    return {"what": "missing", "text": text, "item": item, "sequence": sequence}


def runs_of(codes: NDArray[np.uint8], chosen: NDArray[np.bool_] | None = None) -> list[list[int]]:
    """Runs of equal codes where something is chosen (default: where a code is not 0)."""
    chosen = codes != 0 if chosen is None else chosen
    index = np.flatnonzero(chosen)
    if not index.size:
        return []
    breaks = np.flatnonzero((np.diff(index) != 1) | (np.diff(codes[index].astype(int)) != 0)) + 1
    return [[int(part[0]), len(part), int(codes[part[0]])] for part in np.split(index, breaks)]


@dataclass
class Case:
    """What the server has and how it behaves."""

    sequences: list[Sequence_]
    document: dict[str, Any] = field(default_factory=dict)
    computes: dict[str, Compute] = field(default_factory=dict)
    down: bool = False
    silent_after: bool = False
    """Store the next stroke, then break off without an answer."""
    delay_s: float = 0.0
    holder: str | None = None
    missing: list[dict[str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def named(self, name: str) -> Sequence_:
        return next(sequence for sequence in self.sequences if sequence.name == name)

    def open(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.holder not in {None, body["tab"]} and not body["take"]:
            return 409, {"error": "another tab has this case", "held": True}
        self.holder = body["tab"]
        return 200, {
            "id": "M-7K2Q", "task": "masks", "target": {"side": "left", "clock": "10 o'clock"}, "arrow": None,
            "practice": False, "status": "open", "sequences": [sequence.document for sequence in self.sequences],
            "masks": {sequence.name: sequence.state for sequence in self.sequences if sequence.strokes},
            "answers": {"revision": 0, "values": {}}, "per_sequence": {}, "form": [],
            "tools": {"grow": False, "carry": False}, "bin_width": 25, "minimum_voxels": 50,
        } | self.document  # fmt: skip

    def stroke(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        sequence = self.named(body["sequence"])
        if body["tab"] != self.holder:
            return 409, {"error": "another tab has this case", "held": True}
        if body["revision"] != len(sequence.strokes):
            return 409, {"error": "the mask is further", **sequence.state}
        ends = 0
        for start, length, code in body["runs"]:
            if start < ends or length < 1 or start + length > sequence.codes.size or not 0 <= code <= 11:
                return 422, {"error": f"run {start}, {length}, {code} does not fit"}
            ends = start + length
        sequence.draw(body)
        return 200, {"revision": len(sequence.strokes)}

    def compute(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        sequence = self.named(body["sequence"])
        if body["revision"] != len(sequence.strokes):
            return 409, {"error": "the mask is further"}
        after = self.computes[body["what"]](sequence, body["options"]).ravel(order="F")
        return 200, {"runs": runs_of(after, after != sequence.codes)}

    def close(self, _: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return (422, {"missing": self.missing}) if self.missing else (200, {"closed": True, "measures": {}})


def holes_filled(sequence: Sequence_, options: dict[str, Any]) -> NDArray[np.uint8]:
    """Slices of an axis without holes; new voxels are coded as islands_holes."""
    mask = np.moveaxis(sequence.volume != 0, options["axis"], 0)
    filled = np.moveaxis(np.stack([ndimage.binary_fill_holes(one) for one in mask]), 0, options["axis"])
    return np.where(filled & (sequence.volume == 0), np.uint8(9), sequence.volume)


def between_slices(sequence: Sequence_, options: dict[str, Any]) -> NDArray[np.uint8]:
    """Empty slices between drawn ones, where the mean of signed distances is negative."""
    mask = np.moveaxis(sequence.volume != 0, options["axis"], 0)
    drawn = np.flatnonzero(mask.any(axis=(1, 2)))
    after = np.moveaxis(sequence.volume.copy(), options["axis"], 0)
    for low, high in pairwise(drawn):
        signed = [
            ndimage.distance_transform_edt(~mask[n]) - ndimage.distance_transform_edt(mask[n]) for n in (low, high)
        ]
        for n in range(low + 1, high):
            part = (n - low) / (high - low)
            after[n][(1 - part) * signed[0] + part * signed[1] < 0] = 7
    return np.moveaxis(after, 0, options["axis"])


class Harness:
    """The server; a context in which it runs."""

    def __init__(self, case: Case):
        self.case = case
        case.computes = {"interpolate": between_slices, "holes": holes_filled} | case.computes
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(case))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/room"

    def __enter__(self) -> Harness:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _handler(case: Case) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one branch per address
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # a page that is closed breaks off
                super().handle()

        def send(self, status: int, content: bytes, kind: str, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", POLICY)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        def json(self, status: int, answer: dict[str, Any]) -> None:
            self.send(status, json.dumps(answer).encode(), "application/json")

        def do_GET(self) -> None:
            parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
            case.requests.append(self.path)
            if parts == ["room"]:
                self.send(200, (APP / "static/room.html").read_bytes(), TYPES[".html"])
            elif parts[0] == "static":
                file = HERE / "harness_main.js" if parts[1] == "main.js" else APP / "static" / parts[1]
                self.send(200, file.read_bytes(), TYPES[file.suffix])
            elif parts == ["api", "me"]:
                self.json(200, {"role": "reader", "strings": YAML(typ="safe").load(APP / "strings.yaml")})
            elif case.down:
                self.json(503, {"error": "down"})
            elif len(parts) == 7 and parts[4] == "volume":
                self.volume(parts[5], parts[6])
            else:
                self.json(404, {"error": "there is no such page"})

        def volume(self, name: str, image: str) -> None:
            for sequence in case.sequences:
                voxels = sequence.images.get(image) if name == sequence.name else sequence.phases.get(name)
                if voxels is not None:
                    octets = np.asfortranarray(voxels).tobytes(order="F")
                    return self.send(200, octets, "application/octet-stream", X_Dtype=voxels.dtype.name)
            return self.json(404, {"error": "there is no such image"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            verb = self.path.rsplit("/", 1)[-1]
            case.requests.append(self.path)
            time.sleep(case.delay_s)
            if case.down:
                return self.json(503, {"error": "down"})
            answers = {"open": case.open, "stroke": case.stroke, "compute": case.compute, "close": case.close}
            status, answer = answers.get(verb, lambda _: (200, {}))(body)
            if case.silent_after and verb == "stroke":
                case.silent_after = False
                self.close_connection = True
                return self.connection.close()
            return self.json(status, answer)

    return Handler
