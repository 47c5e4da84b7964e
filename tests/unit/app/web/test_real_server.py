"""`radstudy read` as a process, by the wire: killed while a reader draws, and one reader at two computers."""

import re
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from unit.app.web.conftest import Browser
from unit.app.web.kills import drawn_until_killed
from unit.app.web.real_server import link_for, served, write_study


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of a small study, and its folder."""
    folder = write_study(tmp_path_factory.mktemp("study"))
    with served(folder, "ann") as one:
        one.folder = folder
        yield one


def test_a_killed_server_loses_at_most_the_last_stroke(tmp_path):
    folder = write_study(tmp_path, prepare=False)
    lost, answered = drawn_until_killed(folder, 4, np.random.default_rng(1), longest_s=0.4)
    assert len(lost) == 4 and max(lost) <= 1 and sum(answered) > 0


def test_one_reader_at_two_computers_overwrites_nothing(server):
    first, second = server.reader(), server.reader()
    assert first.cookie != second.cookie
    case = first.next()
    assert first.open(case, "a")[0] == 200
    assert first.stroke(case, "a", 0, [[10, 3, 3]]) == (200, {"revision": 1})
    status, held = second.open(case, "b")
    assert (status, held["held"]) == (409, True)
    assert second.stroke(case, "b", 1, [[10, 3, 0]])[0] == 409  # it has not taken the case
    status, document = second.open(case, "b", take=True)
    assert document["masks"]["T2WI"] == {"revision": 1, "runs": [[10, 3, 3]]}
    assert first.stroke(case, "a", 1, [[20, 3, 3]])[0] == 409
    for path, body in (("answers", {"revision": 0, "values": {}}), ("skip", {}), ("close", {}), ("pause", {})):
        assert first.ask("POST", f"{case}/{path}", {"tab": "a", **body})[0] == 409
    status, behind = second.stroke(case, "b", 0, [[30, 3, 3]])  # it draws on what it has not seen
    assert (status, behind["revision"], behind["runs"]) == (409, 1, [[10, 3, 3]])
    assert second.stroke(case, "b", 1, [[30, 3, 3]]) == (200, {"revision": 2})
    seen = {name: {"visible": True, "evaluable": True, "reason": "", "quality": 4} for name in ("T2WI", "DWI")}
    sent = {"tab": "b", "revision": 0, "values": {"comment": "second"}, "per_sequence": seen}
    assert second.ask("POST", f"{case}/answers", sent) == (200, {"revision": 1})
    status, behind = second.ask("POST", f"{case}/answers", {**sent, "values": {"comment": "late"}})
    assert (status, behind["values"]) == (409, {"comment": "second"})
    status, document = first.open(case, "a", take=True)
    assert document["masks"]["T2WI"] == {"revision": 2, "runs": [[10, 3, 3], [30, 3, 3]]}
    assert document["answers"]["values"] == {"comment": "second"}


def test_what_a_stranger_sends_is_refused(server):
    ann = server.reader()
    case = ann.next()
    page = Browser(server.port, cookie=ann.cookie)
    assert page.ask("GET", "/api/me").status == 200
    body = {"tab": "x"}
    assert Browser(server.port).ask("GET", "/api/me").status == 401
    assert Browser(server.port).ask("POST", f"{case}/open", body).status == 401
    assert page.ask("GET", "/api/me", Host="evil.example").status == 403
    assert page.ask("POST", f"{case}/open", body, Origin="http://evil.example").status == 403
    assert page.ask("POST", f"{case}/open", body, Origin=None).status == 403
    assert page.ask("GET", "/static/../../study_room.py").status == 404
    assert page.ask("GET", "/static/..%2f..%2fcohort.csv").status == 404
    assert page.ask("POST", f"{case}/stroke", Content_Length=str(1 << 30)).status == 413
    bea = Browser(server.port)
    token = link_for(server.folder, "--reader", "bea")
    assert bea.enter(token).status == 200
    for what in ("open", "close", "lock"):
        assert bea.ask("POST", f"{case}/{what}", body).status == 404
    assert bea.ask("GET", f"{case}/volume/T2WI/acquired").status == 404
    assert bea.ask("GET", "/api/lead/progress").status == 403


def test_links_are_kept_as_hashes_alone(server):
    lead = Browser(server.port)
    assert lead.enter(link_for(server.folder, "--lead")).status == 200
    url = lead.ask("POST", "/api/lead/links", {"reader": "bea"}).json["url"]
    token = re.fullmatch(r"http://127\.0\.0\.1:\d+/#([\w-]{43})", url)[1]
    assert Browser(server.port).enter(token).status == 200
    with closing(sqlite3.connect(server.folder / "reading" / "room.sqlite")) as database:
        (kept,) = database.execute("SELECT token_hash FROM links").fetchone()
    assert re.fullmatch(r"[0-9a-f]{64}", kept)
    for file in server.folder.rglob("*"):
        assert not file.is_file() or token.encode() not in file.read_bytes(), file


@pytest.mark.long
def test_two_servers_on_one_computer_do_not_share_a_cookie(server, tmp_path):
    with served(write_study(tmp_path, patients=1), "ann") as other:
        one, two = server.reader(), other.reader()
        assert one.cookie.partition("=")[0] != two.cookie.partition("=")[0]
        assert Browser(other.port, cookie=one.cookie).ask("GET", "/api/me").status == 401
