"""A small server with the reading room's addresses: worklists, forms, arbitration, the lead's page.

It keeps answers as the reading room does: they are stored only if the page knows the last ones, the first answers stay
once locked, an incomplete case is not closed, and a case belongs to one tab at a time.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from radstudy.artefacts.reading import NOT_ASSESSABLE
from unit.app.static.harness import APP, POLICY, TYPES, Sequence_, problem

Json = dict[str, Any]
TIMES_S = (0, 62, 124, 186, 248, 310)


def item(name: str, label: str, kind: str, **more: Any) -> Json:
    """An item of a form as the server describes it."""
    word = NOT_ASSESSABLE if kind in {"level", "number"} else None
    return {
        "name": name,
        "label": label,
        "kind": kind,
        "levels": [],
        "unit": "",
        "range": None,
        "definition": "",
        "required": kind != "text",
        "computed": False,
        "not_assessable": word,
    } | more


FORM = [
    item(
        "shape",
        "Shape",
        "level",
        levels=["oval", "round", "irregular"],
        definition="The outline as a whole, on the first phase.",
    ),
    item(
        "margin",
        "Margin",
        "level",
        levels=["circumscribed", "not circumscribed"],
        definition="Circumscribed: sharp against the tissue all around.",
    ),
    item(
        "enhancement",
        "Internal enhancement",
        "level",
        levels=["homogeneous", "heterogeneous", "rim"],
        definition="On the second minute after contrast.",
    ),
    item(
        "max_diameter_cm",
        "Largest diameter",
        "number",
        unit="cm",
        range=[0.1, 20.0],
        computed=True,
        definition="In any plane, on the phase that shows the lesion best.",
    ),
    item(
        "tic_type",
        "Curve type",
        "level",
        levels=["persistent", "plateau", "washout"],
        computed=True,
        definition="After the second minute: rises on, stays within 10 %, falls.",
    ),
    item("likelihood", "HER2-positive", "likelihood", unit="%", range=[0.0, 100.0]),
    item("comment", "", "text", required=False),
]
COMPLETE = {
    "shape": "oval",
    "margin": "circumscribed",
    "enhancement": "rim",
    "max_diameter_cm": 2.3,
    "tic_type": "washout",
    "likelihood": 70,
}


def phantom(shape: tuple[int, int, int], gain: float, seed: int) -> NDArray[np.int16]:
    """A breast-like half disc with a bright lesion."""
    i, j, k = np.indices(shape) / np.reshape(shape, (3, 1, 1, 1))
    body = (((i - 0.5) / 0.42) ** 2 + ((j - 0.35) / 0.5) ** 2 < 1) & (j > 0.12)
    gland = (
        90 * np.exp(-(((i - 0.45) / 0.2) ** 2 + ((j - 0.45) / 0.22) ** 2)) * (1 + 0.5 * np.sin(40 * i) * np.cos(33 * j))
    )
    lesion = np.exp(-((((i - 0.6) / 0.055) ** 2 + ((j - 0.42) / 0.07) ** 2 + ((k - 0.5) / 0.16) ** 2) ** 2))
    noise = np.random.default_rng(seed).normal(0, 9, shape)
    return np.asarray(body * (170 + gland + gain * lesion) + noise + 20, np.int16)


def sequences_of_case() -> list[Sequence_]:
    """T2WI, DWI and a dynamic series of six phases."""
    affine = np.diag([-1.4, -1.4, 3.0, 1.0])
    affine[:3, 3] = (90, 80, -30)
    shape = (128, 112, 20)
    phases = {f"DCE{n + 1}": phantom(shape, gain, n) for n, gain in enumerate((20, 420, 460, 430, 405, 380))}
    return [
        Sequence_("T2WI", {"prepared": phantom(shape, 260, 9), "acquired": phantom(shape, 250, 9)}, affine),
        Sequence_("DWI", {"acquired": phantom(shape, 330, 10)}, affine),
        Sequence_("DCE3", {"prepared": phases["DCE3"], "acquired": phases["DCE3"]}, affine, phases=phases),
    ]


@dataclass
class StudyCase:
    """One case of the reader."""

    id: str
    practice: bool = False
    status: str = "waiting"
    opens: str | None = None
    revision: int = 0
    values: Json = field(default_factory=dict)
    per_sequence: Json = field(default_factory=dict)
    holder: str | None = None
    first: Json | None = None
    reopened: bool = False
    others: list[Json] = field(default_factory=list)

    @property
    def entry(self) -> Json:
        return {"id": self.id, "practice": self.practice, "status": self.status, "opens": self.opens}


@dataclass
class Study:
    """What the server has and how it behaves."""

    cases: dict[str, list[StudyCase]]
    role: str = "reader"
    reader: str = "R1"
    title: str = "HER2 in IHC 2+"
    forms: dict[str, list[Json]] = field(default_factory=dict)
    later: list[Json] = field(default_factory=list)
    lead: dict[str, Any] = field(default_factory=dict)
    links: list[Json] = field(default_factory=list)
    target: Json = field(default_factory=lambda: {"side": "left", "clock": "10 o'clock", "distance_cm": 4})
    down: bool = False
    entered: bool = True
    hidden: Json = field(default_factory=lambda: {"max_diameter_cm": 2.1, "tic_type": "washout", "volume_cm3": 4.27})
    missing: list[Json] | None = None
    silent_after: bool = False
    """Store the next answers, then break off without an answer."""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    pages: list[queue.Queue[str]] = field(default_factory=list)
    sequences: list[Sequence_] = field(default_factory=sequences_of_case)

    def case(self, task: str, case_id: str) -> StudyCase | None:
        return next((one for one in self.cases.get(task, []) if one.id == case_id), None)

    def sent(self, method: str, path: str) -> list[Any]:
        """Bodies of the requests to a path."""
        return [body for given, where, body in self.requests if given == method and where.split("?")[0] == path]

    def tell(self, kind: str, data: Json) -> None:
        """An event for all open pages."""
        for page in self.pages:
            page.put(f"event: {kind}\ndata: {json.dumps(data)}\n\n")

    @property
    def me(self) -> Json:
        tasks = [
            {"task": task, "closed": sum(one.status == "closed" for one in cases), "total": len(cases)}
            for task, cases in self.cases.items()
        ]
        strings = YAML(typ="safe").load(APP / "strings.yaml")
        return {"role": self.role, "reader": self.reader, "study": self.title, "tasks": tasks, "strings": strings}

    def worklist(self, task: str) -> Json:
        cases = [one.entry for one in self.cases[task]]
        order = ("open", "waiting", "skipped")
        following = [one["id"] for status in order for one in cases if one["status"] == status]
        return {"cases": cases, "next": following[0] if following else None, "later": self.later}

    def form(self, task: str) -> list[Json]:
        if task == "masks":
            return self.forms.get(task, [FORM[-1]])
        return self.forms.get(task, FORM)

    # each handler: case, body -> status and answer

    def open(self, task: str, case: StudyCase, body: Json) -> tuple[int, Json]:
        if case.holder not in {None, body["tab"]} and not body["take"]:
            return 409, {"error": "another tab has this case", "held": True}
        case.holder, case.status = body["tab"], "open"
        document: Json = {
            "id": case.id,
            "task": task,
            "target": self.target,
            "arrow": None,
            "practice": case.practice,
            "status": "open",
            "sequences": [one.document for one in self.sequences],
            "masks": {},
            "answers": {"revision": case.revision, "values": case.values},
            "per_sequence": case.per_sequence,
            "form": self.form(task),
            "tools": {"grow": False, "carry": False},
            "bin_width": 25,
            "minimum_voxels": 50,
            **self.shown(task, case),
        }
        return 200, document

    def shown(self, task: str, case: StudyCase) -> Json:
        """Whether the first answers are locked, and what is shown only then."""
        if case.first is None:
            return {"locked": False, "frozen": False, "first": None, "hidden": {}, "others": []}
        others = [{"values": one} for one in case.others] if task == "arbitration" else []
        hidden = self.hidden if task == "characteristics" else {}
        frozen = task == "characteristics" and not case.reopened
        return {"locked": True, "frozen": frozen, "first": {"values": case.first}, "hidden": hidden, "others": others}

    def answers(self, task: str, case: StudyCase, body: Json) -> tuple[int, Json]:
        if body["revision"] != case.revision:
            return 409, {"error": "changed elsewhere", "revision": case.revision}
        frozen = task == "characteristics" and case.first is not None and not case.reopened
        if frozen and {**body["values"], "comment": ""} != {**case.values, "comment": ""}:
            return 422, {"error": "the answers are locked"}
        case.revision, case.values, case.per_sequence = case.revision + 1, body["values"], body["per_sequence"]
        return 200, {"revision": case.revision}

    def unanswered(self, task: str, case: StudyCase) -> list[Json]:
        missing = [one for one in self.form(task) if one["required"] and one["name"] not in case.values]
        return [problem(f"{one['label']} is not answered", item=one["name"]) for one in missing]

    def lock(self, task: str, case: StudyCase, _: Json) -> tuple[int, Json]:
        if missing := self.missing or self.unanswered(task, case):
            return 422, {"error": "incomplete", "missing": missing}
        case.first = case.first or dict(case.values)
        return 200, self.shown(task, case)

    def close(self, task: str, case: StudyCase, _: Json) -> tuple[int, Json]:
        if missing := self.missing or self.unanswered(task, case):
            return 422, {"error": "incomplete", "missing": missing}
        case.status, case.holder = "closed", None
        return 200, {"closed": True, "measures": {}}

    def skip(self, task: str, case: StudyCase, _: Json) -> tuple[int, Json]:
        case.status, case.holder = "skipped", None
        self.cases[task].sort(key=lambda one: one is case)
        return 200, {}

    def pause(self, _task: str, case: StudyCase, _: Json) -> tuple[int, Json]:
        case.holder = None
        return 200, {}

    def curve(self, asked: Json) -> tuple[int, Json]:
        phases = self.sequences[-1].phases
        if asked.get("lesion") == "1":
            return 200, {"phases": list(phases), "values": [180, 560, 640, 612, 590, 560], "times_s": list(TIMES_S)}
        place = tuple(int(asked[axis]) for axis in "ijk")
        return 200, {
            "phases": list(phases),
            "values": [float(one[place]) for one in phases.values()],
            "times_s": list(TIMES_S),
        }


class StudyServer:
    """The server; a context in which it runs."""

    def __init__(self, study: Study):
        self.study = study
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(study))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def url(self, place: str = "") -> str:
        return f"http://127.0.0.1:{self.server.server_port}/room{place}"

    def __enter__(self) -> StudyServer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for page in self.study.pages:
            page.put("")
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _handler(study: Study) -> type[BaseHTTPRequestHandler]:  # noqa: C901  (one short method a kind of request)
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle()

        def send(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(content)

        def json(self, status: int, answer: Json) -> None:
            self.send(status, json.dumps(answer).encode(), "application/json")

        def do_GET(self) -> None:
            self.answer("GET", None)

        def do_DELETE(self) -> None:
            self.answer("DELETE", None)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = self.headers["Content-Type"] == "application/json"
            self.answer("POST", json.loads(content) if is_json else content)

        def answer(self, method: str, body: Any) -> None:
            parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
            if parts == ["room"]:
                return self.send(200, (APP / "static/room.html").read_bytes(), TYPES[".html"])
            if parts[0] == "static":
                file = APP / "static" / parts[1]
                return self.send(200, file.read_bytes(), TYPES[file.suffix])
            study.requests.append((method, self.path, body))
            if study.down:
                return self.json(503, {"error": "the server is down"})
            if not study.entered:
                return self.json(401, {"error": "enter with your personal link first"})
            return self.api(method, parts[1:], body)

        def api(self, method: str, parts: list[str], body: Any) -> None:  # noqa: PLR0911
            if parts == ["me"]:
                return self.json(200, study.me)
            if parts == ["events"]:
                return self.events()
            if parts[0] == "worklist" and parts[1] in study.cases:
                return self.json(200, study.worklist(parts[1]))
            if parts[0] == "lead":
                return self.of_lead(method, parts[1:], body)
            case = study.case(parts[1], parts[2]) if parts[0] == "case" else None
            if case is None:
                return self.json(404, {"error": "there is no such case"})
            if parts[3] == "volume":
                return self.volume(parts[4], parts[5])
            if parts[3] == "curve":
                return self.json(*study.curve(dict(parse_qsl(urlsplit(self.path).query))))
            if parts[3] != "open" and case.holder != body["tab"]:
                return self.json(409, {"error": "another tab has this case", "held": True})
            status, content = getattr(study, parts[3])(parts[1], case, body)
            if study.silent_after and parts[3] == "answers":
                study.silent_after = False
                self.close_connection = True
                return self.connection.close()
            return self.json(status, content)

        def of_lead(self, method: str, parts: list[str], body: Any) -> None:
            if study.role != "lead":
                return self.json(403, {"error": "this is the study lead's"})
            if parts == ["links"] and method == "GET":
                return self.json(200, {"links": study.links})
            if parts == ["links"]:
                link = {
                    "id": f"L{len(study.links)}",
                    "reader": body["reader"],
                    "task": body["task"],
                    "role": "reader",
                    "created_at": "2026-11-30T08:00:00Z",
                    "revoked_at": "",
                }
                study.links.append(link)
                return self.json(200, {"url": f"https://reading.example.org/#token{len(study.links)}", **link})
            if parts[0] == "links":
                next(one for one in study.links if one["id"] == parts[1])["revoked_at"] = "2026-11-30T09:00:00Z"
                return self.json(200, {})
            if len(parts) > 3 and parts[3] == "volume":
                return self.volume(parts[4], parts[5])
            name = parts[0]
            if name not in study.lead:
                return self.json(404, {"error": "there is no such page"})
            content = study.lead[name]
            return self.json(*(content if isinstance(content, tuple) else (200, content)))

        def volume(self, name: str, image: str) -> None:
            for sequence in study.sequences:
                voxels = sequence.images.get(image) if name == sequence.name else sequence.phases.get(name)
                if voxels is not None:
                    return self.send(200, np.asfortranarray(voxels).tobytes(order="F"), "application/octet-stream")
            return self.json(404, {"error": "there is no such image"})

        def events(self) -> None:
            waiting: queue.Queue[str] = queue.Queue()
            study.pages.append(waiting)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                while text := waiting.get():
                    self.wfile.write(text.encode())
                    self.wfile.flush()
            self.close_connection = True

    return Handler


# --- ready-made studies ---------------------------------------------------------------------------------------------


def reader_study(**more: Any) -> Study:
    """A reader in the middle of the work."""
    names = [
        "7K2Q",
        "9TXM",
        "3HWB",
        "PQ4D",
        "8VNC",
        "2LRF",
        "5GJS",
        "W6YK",
        "D3MZ",
        "H8XP",
        "T4QB",
        "N7VC",
        "K2JW",
        "R9GF",
        "6SLD",
        "X3PH",
    ]
    states = ["closed", "closed", "closed", "open", *["waiting"] * 10, "skipped", "closed"]
    drawing = [StudyCase("M-PR01", practice=True, status="closed"), StudyCase("M-PR02", practice=True, status="closed")]
    drawing += [StudyCase(f"M-{name}", status=state) for name, state in zip(names, states, strict=True)]
    described = [StudyCase("C-PR01", practice=True), *(StudyCase(f"C-{name}") for name in names[::-1])]
    return Study({"masks": drawing, "characteristics": described}, **more)


def arbiter_study(**more: Any) -> Study:
    """A third reader with cases on which two differ."""
    disputed = [one for one in FORM if one["name"] in {"margin", "max_diameter_cm", "tic_type", "comment"}]
    a = {"margin": "circumscribed", "max_diameter_cm": 2.9, "tic_type": "plateau", "comment": "Cystic part laterally."}
    b = {"margin": "not circumscribed", "max_diameter_cm": 2.1, "tic_type": "plateau"}
    cases = [StudyCase(f"A-{name}", others=[a, b]) for name in ("4WQK", "8ZHN", "2BVT")]
    return Study({"arbitration": cases}, reader="R3", forms={"arbitration": disputed}, **more)


def lead_study(**more: Any) -> Study:
    """What the lead sees of two readers and an arbiter."""
    readers = [
        {
            "reader": "R1",
            "task": "masks",
            "closed": 24,
            "total": 24,
            "open": 0,
            "skipped": 0,
            "later": 2,
            "last": "2026-11-28",
        },
        {
            "reader": "R2",
            "task": "masks",
            "closed": 11,
            "total": 14,
            "open": 1,
            "skipped": 1,
            "later": 0,
            "last": "2026-11-29",
        },
        {
            "reader": "R1",
            "task": "characteristics",
            "closed": 9,
            "total": 24,
            "open": 1,
            "skipped": 0,
            "later": 12,
            "last": "2026-11-27",
        },
        {
            "reader": "R2",
            "task": "characteristics",
            "closed": 13,
            "total": 24,
            "open": 0,
            "skipped": 2,
            "later": 0,
            "last": "2026-11-29",
        },
        {
            "reader": "R3",
            "task": "arbitration",
            "closed": 0,
            "total": 4,
            "open": 0,
            "skipped": 0,
            "later": 0,
            "last": None,
        },
    ]
    patients = [f"{n:03d}" for n in range(1, 25)]
    cases = [
        {
            "reader": reader,
            "task": "masks",
            "patient": one,
            "lesion": "1",
            "repeat": False,
            "status": "closed",
            "closed_at": "2026-11-28",
        }
        for reader in ("R1", "R2")
        for one in patients[:11]
    ]
    lesions = [
        {
            "patient": one,
            "lesion": "1",
            "sequences": ["T2WI", "DWI", "DCE3"],
            "arrow": [12.0, 30.0, 4.0] if n < 9 else None,
        }
        for n, one in enumerate(patients)
    ]
    sequences = ("T2WI", "DWI", "DCE3")
    masks = [
        {
            "sequence": name,
            "readers": ["R1", "R2"],
            "n": 11,
            "dice": {"median": dice, "low": dice - 0.05, "high": dice + 0.03, "lowest": dice - 0.3},
            "volumes_mm3": [4210, 3985],
            "icc": {"value": 0.94, "low": 0.81, "high": 0.98},
        }
        for name, dice in zip(sequences, (0.86, 0.81, 0.88), strict=True)
    ]
    items = [
        {
            "item": "margin",
            "label": "Margin",
            "readers": ["R1", "R2"],
            "n": 9,
            "statistic": "kappa",
            "value": 0.61,
            "low": 0.22,
            "high": 1.0,
            "agreed": 0.78,
        },
        {
            "item": "tic_type",
            "label": "Curve type",
            "readers": ["R1", "R2"],
            "n": 9,
            "statistic": "weighted kappa",
            "value": 0.74,
            "low": 0.4,
            "high": 1.0,
            "agreed": 0.82,
        },
        {
            "item": "max_diameter_cm",
            "label": "Largest diameter",
            "readers": ["R1", "R2"],
            "n": 9,
            "statistic": "ICC(2,1)",
            "value": 0.97,
            "low": 0.9,
            "high": 0.99,
            "agreed": None,
        },
    ]
    disagreements = {
        "masks": [
            {
                "patient": "007",
                "lesion": "1",
                "sequence": "DWI",
                "readers": ["R1", "R2"],
                "dice": 0.41,
                "volumes_mm3": [5210, 2100],
            },
            {
                "patient": "003",
                "lesion": "1",
                "sequence": "T2WI",
                "readers": ["R1", "R2"],
                "dice": 0.63,
                "volumes_mm3": [812, 1240],
            },
        ],
        "items": [
            {
                "patient": "004",
                "lesion": "1",
                "item": "margin",
                "label": "Margin",
                "readers": ["R1", "R2"],
                "values": ["circumscribed", "not circumscribed"],
                "final": None,
            },
            {
                "patient": "009",
                "lesion": "1",
                "item": "max_diameter_cm",
                "label": "Largest diameter",
                "unit": "cm",
                "readers": ["R1", "R2"],
                "values": [2.9, 2.1],
                "final": 2.5,
                "source": "arbitrated",
            },
        ],
    }
    images = sequences_of_case()
    lead = {
        "progress": {
            "readers": readers,
            "cases": cases,
            "lesions": lesions,
            "problems": ["Patient 012, DWI: two files fit the pattern. To do: leave one."],
            "without_images": [["025", "1"]],
            "unrecorded": 1,
        },
        "agreement": {"masks": masks, "items": items},
        "disagreements": disagreements,
        "reopen": {},
        "anew": {},
        "arrow": {},
        "export": {
            "cases": 59,
            "files": 75,
            "kept": [],
            "problems": ["Patient 007, DWI, reader R2: not the room's mask. To do: move the file away."],
        },
        "opened": {},
        "takein": {"voxels": 812},
        "lesion": {"sequences": [one.document for one in images], "arrow": None},
    }
    links = [
        {
            "id": "L0",
            "reader": "R1",
            "task": "",
            "role": "reader",
            "created_at": "2026-11-02T08:00:00Z",
            "revoked_at": "",
        },
        {
            "id": "L1",
            "reader": "R2",
            "task": "masks",
            "role": "reader",
            "created_at": "2026-11-02T08:01:00Z",
            "revoked_at": "2026-11-20T10:00:00Z",
        },
    ]
    return Study({}, role="lead", reader="", lead=lead, links=links, **more)
