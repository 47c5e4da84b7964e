"""Blinding as a differential test: two studies that differ in all that a reader must not know answer him alike.

The studies have the same images. They differ in outcome, clinical columns, split, exclusions, order of the rows, and in
the work of the other readers, which in one of them goes on meanwhile. A reader's list of requests over HTTP, errors and
refusals too, is answered by both with the same octets, from the status line to the last one of the body. Planted leaks
of one bit show that the test sees them.
"""

import json
import socket
from dataclasses import dataclass, field, replace

import pytest
from starlette.responses import Response

from radstudy.app.reading import roster
from radstudy.app.web import of_study, reader_routes, volumes
from radstudy.app.web.events import Events
from radstudy.app.web.needs import CaseAddress, UnknownError
from radstudy.app.web.pages import STATIC, Page
from radstudy.app.web.sessions import Doorkeeper
from radstudy.app.web.study_room import StudyRoom
from radstudy.app.web.volumes import ServedImages
from unit.app.web.blind_study import (
    filled,
    open_study,
    outcomes,
    said,
    work_of_others,
    write_images,
    write_study,
)
from unit.app.web.conftest import serving

SEQUENCES = ("T2WI", "DWI", "DCE3", "DCE7")


@dataclass
class Wire:
    """A reader's connection that keeps what was asked and every octet of what came back."""

    port: int
    cookie: str = ""
    heard: list = field(default_factory=list)

    def ask(self, method, path, body=None, *, to="", **headers):
        """Send a request; the JSON of the answer, or its body."""
        host = f"127.0.0.1:{self.port}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Host": host, "Connection": "close", "Cookie": self.cookie, "Content-Length": str(len(content))}
        sent |= {"Origin": f"http://{host}"} if method != "GET" else {}
        if method == "GET":
            del sent["Content-Length"]
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        self.heard.append((f"{method} {path} {to}".strip(), answer))
        parts = answer.partition(b"\r\n\r\n")[2]
        return json.loads(parts) if b"application/json" in answer.partition(b"\r\n\r\n")[0] else parts

    @property
    def statuses(self):
        """The statuses that came."""
        return {int(answer.split()[1]) for _, answer in self.heard}


def requests_of(wire, room, reader, meanwhile, cases=3):
    """All that a reader's pages ask for, and what they should not; of so many cases of each task."""
    wire.ask("POST", "/api/enter", {"token": "wrong"})
    wire.ask("POST", "/api/enter", {"token": "token-1"})
    for path in ("/", "/?entry", "/room", "/static/main.js", "/static/../room", "/nothing", "/api/me",
                 *(f"/api/lead/{what}" for what in ("progress", "agreement", "disagreements", "links"))):  # fmt: skip
        wire.ask("GET", path)
    tag = next(answer for asked, answer in wire.heard if asked == "GET /static/main.js").partition(b"etag: ")[2]
    wire.ask("GET", "/static/main.js", If_None_Match=tag.partition(b"\r\n")[0].decode())
    wire.ask("GET", "/api/me", Host="elsewhere.example")
    wire.ask("GET", "/api/me", Cookie="none=1")
    with socket.create_connection(("127.0.0.1", wire.port), 60) as events:
        head = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{wire.port}\r\nCookie: {wire.cookie}\r\n\r\n"
        events.sendall(head.encode())
        told = events.recv(1 << 16)
        _lists(wire)
        meanwhile()
        for other in _cases_of_others(room, reader):
            for asked, body in (
                ("open", {"tab": "a"}),
                ("stroke", _stroke(0)),
                ("lock", {"tab": "a"}),
                ("close", {"tab": "a"}),
            ):
                wire.ask("POST", f"/api/case/{other.task}/{other.id}/{asked}", body)
            wire.ask("GET", f"/api/case/{other.task}/{other.id}/volume/T2WI/acquired")
            wire.ask("GET", f"/api/case/{other.task}/{other.id}/curve?lesion=1")
        for number in range(cases):
            _draw(wire, number)
            meanwhile()
        for number in range(cases):
            _describe(wire, number)
            meanwhile()
        _lists(wire)
        events.settimeout(0.2)
        try:
            while part := events.recv(1 << 16):
                told += part
        except TimeoutError:
            pass
    wire.heard.append(("events", told))


def _lists(wire):
    for path in ("me", "worklist/masks", "worklist/characteristics", "worklist/arbitration", "worklist/none"):
        wire.ask("GET", f"/api/{path}")


def _cases_of_others(room, reader):
    """One case of each other reader and task, and one that never was."""
    others = {
        (one.reader, one.task): one for one in room.storage.assignments() if one.reader != reader and one.place == 0
    }
    return [CaseAddress(reader, task, one.id) for (_, task), one in sorted(others.items())] + [
        CaseAddress(reader, "masks", "M-0000")
    ]


def _stroke(revision, sequence="T2WI", start=700):
    return {
        "tab": "a",
        "sequence": sequence,
        "revision": revision,
        "tool": "brush",
        "runs": [[start, 4, 3]],
        "view": {},
    }


def _draw(wire, number):
    listed = wire.ask("GET", "/api/worklist/masks")
    if listed["next"] is None:
        return
    case = f"/api/case/masks/{listed['next']}"
    last = listed["cases"][-1]["id"]
    wire.ask("POST", f"/api/case/masks/{last}/open", {"tab": "a"})  # another comes first
    wire.ask("POST", f"{case}/pause", {"tab": "a"})
    wire.ask("POST", f"{case}/open", {"tab": "a"})
    wire.ask("POST", f"{case}/open", {"tab": "b"})
    for name in (*SEQUENCES, "DCE9"):
        for kind in ("acquired", "prepared"):
            wire.ask("GET", f"{case}/volume/{name}/{kind}")
    wire.ask("GET", f"{case}/volume/T2WI/acquired", Accept_Encoding="gzip")
    for at, name in enumerate(SEQUENCES):
        wire.ask("POST", f"{case}/stroke", _stroke(0, name, 600 + at))
    wire.ask("POST", f"{case}/stroke", _stroke(0))
    wire.ask("POST", f"{case}/stroke", {**_stroke(1), "tab": "b"})
    wire.ask("POST", f"{case}/stroke", _stroke(1, start=10**9))
    wire.ask("POST", f"{case}/stroke", b"no JSON")
    grown = {"seed": [5, 5, 4], "low": 0, "high": 900, "box": [[2, 2, 3], [9, 9, 6]]}
    along = {"axis": 2}
    for what, options in (("interpolate", along), ("smooth", along), ("holes", {}), ("grow", grown)):
        wire.ask("POST", f"{case}/compute", {"sequence": "T2WI", "what": what, "options": options, "revision": 1})
    wire.ask("GET", f"{case}/curve?sequence=DCE3&i=5&j=5&k=4")
    wire.ask("GET", f"{case}/curve?lesion=1")
    wire.ask("POST", f"{case}/close", {"tab": "a"})
    wire.ask("POST", f"{case}/answers", {"tab": "a", "revision": 0, "values": {}, "per_sequence": said(SEQUENCES)})
    wire.ask("POST", f"{case}/answers", {"tab": "a", "revision": 0, "values": {}})
    wire.ask("POST", f"{case}/{'skip' if number == 1 else 'close'}", {"tab": "a"})
    wire.ask("POST", f"{case}/open", {"tab": "a"})
    _lists(wire)


def _describe(wire, number):
    listed = wire.ask("GET", "/api/worklist/characteristics")
    case = f"/api/case/characteristics/{listed['next']}"
    document = wire.ask("POST", f"{case}/open", {"tab": "a"})
    wire.ask("POST", f"{case}/lock", {"tab": "a"})
    answers = {"tab": "a", "revision": 0, "values": filled(document["form"]), "per_sequence": said(SEQUENCES)}
    wire.ask("POST", f"{case}/answers", answers)
    wire.ask("POST", f"{case}/close", {"tab": "a"})
    if number == 2:
        wire.ask("POST", f"{case}/skip", {"tab": "a"})
    else:
        wire.ask("POST", f"{case}/lock", {"tab": "a"})
        wire.ask("GET", f"{case}/curve?lesion=1")
        wire.ask("POST", f"{case}/close", {"tab": "a"})
    _lists(wire)


# --- two studies ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder with the images of both studies, and the demo's rows of their patients."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, write_images(folder)


@pytest.fixture
def heard(images, tmp_path, monkeypatch):
    """What a reader hears in one of the studies."""

    def listen(reader, *, other, leak=None, cases=3, working=True):
        folder = write_study(tmp_path / f"study-{other}", *images, other=other)
        with monkeypatch.context() as patches:
            if leak is not None:
                leak(patches, folder)
                patches.setattr(volumes, "results", _in_this_process)
            behind = open_study(folder, patches)
            tokens = iter(("token-1", "secret-1"))
            doorkeeper = Doorkeeper(behind.room.links, token=lambda: next(tokens))
            doorkeeper.cookie = "radstudy_1"
            doorkeeper.launch(role="reader", reader=reader)
            try:
                with serving(behind, STATIC, doorkeeper=doorkeeper) as server:
                    wire = Wire(server.port, "radstudy_1=secret-1")
                    meanwhile = (lambda: work_of_others(behind.room, reader)) if other and working else (lambda: None)
                    requests_of(wire, behind.room, reader, meanwhile, cases)
            finally:
                behind.room.shut()
        return wire

    return listen


def _in_this_process(prepare, tasks, *_, **__):
    return ((task, prepare(task)) for task in tasks)  # quicker


def differing(one, other):
    """The requests that two studies answer differently."""
    asked, again = [asked for asked, _ in one.heard], [asked for asked, _ in other.heard]
    if asked != again:
        return [one for one, two in zip(asked, again, strict=False) if one != two] or ["another number of requests"]
    return [asked for (asked, a), (_, b) in zip(one.heard, other.heard, strict=True) if a != b]


@pytest.mark.parametrize("reader", ["reader1", "reader2"])
def test_a_reader_hears_the_same_whatever_he_must_not_know(heard, reader):
    one, other = heard(reader, other=False), heard(reader, other=True)
    assert differing(one, other) == []
    assert one.statuses == {200, 304, 401, 403, 404, 409, 422}
    assert len(one.heard) > 150
    everything = b"".join(answer for _, answer in one.heard)
    for hidden in (b"SYN-", b"neoadjuvant", b"training", b".nii", b"reader2" if reader == "reader1" else b"reader1"):
        assert hidden not in everything, hidden


# --- planted leaks ----------------------------------------------------------------------------------------------------


def _bit(folder):
    """The outcome of the first patient."""
    return outcomes(folder)[min(outcomes(folder))]


def _around(patches, owner, name, changed):
    """Give what a method gives to `changed`, with the arguments, and answer with that instead."""
    real = getattr(owner, name)
    patches.setattr(owner, name, lambda *given, **named: changed(real(*given, **named), *given))


def order_of_the_list(patches, folder):
    """The last two cases change places."""

    def changed(listed, *_):
        cases = listed["cases"]
        return {**listed, "cases": [*cases[:-2], *cases[:-3:-1]]} if _bit(folder) else listed

    _around(patches, StudyRoom, "worklist", changed)


def seed_of_the_order(patches, folder):
    """The outcomes are in the seed."""
    real = of_study.roster_of
    patches.setattr(
        of_study, "roster_of", lambda *given, seed, **named: real(*given, seed=seed + _bit(folder), **named)
    )


def letter_of_an_id(patches, folder):
    """One letter of some pseudonyms."""

    def changed(assignments, *_):
        letter = "X" if _bit(folder) else "Z"
        return tuple(replace(one, id=one.id[:-1] + letter) if one.place == 2 else one for one in assignments)

    _around(patches, of_study, "roster_of", changed)


def header(patches, folder):
    """One more header for one outcome."""

    def changed(response, *_):
        if _bit(folder):
            response.headers["x-cache"] = "hit"
        return response

    _around(patches, reader_routes, "json_response", changed)


def voxel(patches, folder):
    """The lowest bit of the first voxel of one patient."""

    def changed(image, _, case, *__):
        name = next(iter(case.images)).file.parent.name
        return replace(image, octets=bytes([image.octets[0] ^ outcomes(folder)[name]]) + image.octets[1:])

    _around(patches, ServedImages, "image", changed)


def tag_of_a_file(patches, folder):
    """The tag of the page's script."""
    _around(patches, Page, "response", lambda response, *_: _tagged(response) if _bit(folder) else response)


def _tagged(response):
    response.headers["etag"] = response.headers["etag"].replace('"', '"0', 1)
    return response


def without_excluded(patches, folder):
    """Excluded patients are not read."""
    import pandas as pd

    table = pd.read_csv(folder / "cohort.csv")
    out = set(table["patient_id"][table["exclusion"].notna()])

    def changed(cohort, *_):
        return replace(cohort, lesions=tuple(one for one in cohort.lesions if one.patient not in out))

    _around(patches, of_study, "read_reading_cohort", changed)


def second_by_outcome(patches, folder):
    """The second reader draws patients of one outcome first."""

    def changed(drawn, lesions, *_):
        positive = [patient for patient, _ in lesions if outcomes(folder)[patient]]
        return frozenset(positive[: len(drawn)])

    _around(patches, roster, "doubly_drawn", changed)


def progress_of_others(patches, _):
    """Cases that others have closed are counted."""

    def changed(tasks, room, __):
        closed = sum(one.closed for one in room.storage.progress())
        return [{**one, "closed": closed} for one in tasks]

    _around(patches, StudyRoom, "progress_of", changed)


def closed_case_of_another(patches, _):
    """Another reader's case is refused in other words when it is closed."""
    real = StudyRoom.open_case

    def open_case(room, case, **named):
        try:
            return real(room, case, **named)
        except UnknownError:
            known = [one for one in room.storage.to_export(all_closed=True) if one.id == case.id]
            raise UnknownError("this case is closed" if known else "there is no such case") from None

    patches.setattr(StudyRoom, "open_case", open_case)


def masks_of_others(patches, _):
    """What is computed comes from any reader's mask."""

    def changed(shown, room, *__):
        closed = [one for one in room.storage.to_export(all_closed=True) if one.task == "masks"]
        return {**shown, "hidden": {**shown.get("hidden", {}), "drawn_by": len(closed)}}

    _around(patches, StudyRoom, "lock_answers", changed)


def events_of_others(patches, _):
    """Pages are told of everybody's progress."""
    publish, sent = Events.publish, []

    def close_case(room, case, tab, *, real=StudyRoom.close_case):
        closed = real(room, case, tab)
        for told in sent:
            told(case)
        return closed

    def start(events, *, real=Events.start):
        real(events)
        sent.append(
            lambda case: [publish(events, "progress", {"task": case.task}, reader=f"reader{n}") for n in (1, 2)]
        )

    patches.setattr(Events, "start", start)
    patches.setattr(StudyRoom, "close_case", close_case)


def length_of_a_body(patches, folder):
    """A blank at the end of a body: only its length tells."""

    def changed(response, *_):
        return (
            Response(response.body + b" ", response.status_code, media_type="application/json")
            if _bit(folder)
            else response
        )

    _around(patches, reader_routes, "json_response", changed)


OF_THE_TABLE = (order_of_the_list, seed_of_the_order, letter_of_an_id, header, voxel, tag_of_a_file, without_excluded,
                length_of_a_body)  # fmt: skip
OF_OTHERS = (progress_of_others, closed_case_of_another, masks_of_others, events_of_others)
QUICK = (order_of_the_list, header, masks_of_others)  # the others are among the long tests


@pytest.mark.parametrize(("leak", "reader"), [
    *(pytest.param(leak, "reader1", marks=() if leak in QUICK else pytest.mark.long)
      for leak in (*OF_THE_TABLE, *OF_OTHERS)),
    pytest.param(second_by_outcome, "reader2", marks=pytest.mark.long),
], ids=lambda given: getattr(given, "__name__", given))  # fmt: skip
def test_a_leak_of_one_bit_is_seen(heard, leak, reader):
    one, other = (heard(reader, other=which, leak=leak, cases=1, working=leak in OF_OTHERS) for which in (False, True))
    assert differing(one, other)
