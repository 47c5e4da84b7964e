"""What the study lead's page asks for."""

import numpy as np
import pytest

from radstudy.errors import CaseError
from unit.app.web.memory_room import SHAPE

PATHS = ("progress", "agreement", "disagreements", "links")


@pytest.mark.parametrize("path", PATHS)
def test_a_reader_is_not_the_lead(server, path):
    assert server.browser().ask("GET", f"/api/lead/{path}").status == 403


@pytest.mark.parametrize("path", ["links", "reopen", "anew", "opened", "arrow", "export", "takein"])
def test_a_reader_changes_nothing_of_the_lead(server, path):
    assert server.browser().ask("POST", f"/api/lead/{path}", {"reader": "anna"}).status == 403
    assert not server.room.called and not server.room.links.kept


def test_what_the_lead_sees(server):
    lead = server.browser(reader="", role="lead")
    assert lead.ask("GET", "/api/lead/progress").json == {"readers": ["anna", "boris", "cara"]}
    assert lead.ask("GET", "/api/lead/agreement").json == {"dice": [None, 0.5]}
    assert lead.ask("GET", "/api/lead/disagreements").json == {"cases": []}


def test_agreement_is_hidden_from_a_lead_who_still_reads(server):
    lead = server.browser(reader="boris", role="lead")
    assert lead.ask("GET", "/api/lead/progress").status == 200
    assert lead.ask("GET", "/api/lead/agreement").status == 403
    assert lead.ask("GET", "/api/lead/disagreements").status == 403
    lead.ask("POST", "/api/case/masks/M-CCCC/open", {"tab": "t"})
    assert lead.ask("POST", "/api/case/masks/M-CCCC/close", {"tab": "t"}).status == 200
    assert lead.ask("GET", "/api/lead/agreement").status == 200


@pytest.mark.parametrize("body", [{"reader": "dora"}, {"reader": "anna", "task": "arbitration"}, {}, {"reader": ["a"]}])
def test_a_link_is_for_a_reader_and_a_task_of_his(server, body):
    lead = server.browser(reader="", role="lead")
    assert lead.ask("POST", "/api/lead/links", body).status == 422
    assert not server.room.links.kept


def test_reopening_takes_a_reason(server):
    lead = server.browser(reader="", role="lead")
    case = {"reader": "anna", "task": "masks", "patient": "P1", "lesion": "2", "repeat": True}
    body = {**case, "reason": "wrong breast", "tab": "t"}
    assert lead.ask("POST", "/api/lead/reopen", body).status == 200
    assert lead.ask("POST", "/api/lead/reopen", {**body, "reason": ""}).status == 422
    assert server.room.called == [("reopen", {name: body[name] for name in body if name != "tab"})]


def test_drawing_anew_takes_a_reason(server):
    lead = server.browser(reader="", role="lead")
    body = {
        "reader": "anna",
        "patient": "P1",
        "lesion": "1",
        "sequence": "T2WI",
        "reason": "wrong series",
        "repeat": False,
    }
    assert lead.ask("POST", "/api/lead/anew", body).status == 200
    assert lead.ask("POST", "/api/lead/anew", {**body, "reason": ""}).status == 422
    assert server.room.called == [("anew", body)]


def test_a_reader_who_has_learned_outcomes_is_noted_with_what_he_saw(server):
    lead = server.browser(reader="", role="lead")
    body = {"reader": "anna", "detail": "opened the pathology report of P1"}
    assert lead.ask("POST", "/api/lead/opened", body).status == 200
    for wrong in ({**body, "reader": "dora"}, {**body, "detail": ""}, {"reader": "anna"}):
        assert lead.ask("POST", "/api/lead/opened", wrong).status == 422
    assert server.room.called == [("opened", body)]


def test_the_lead_is_told_patient_and_file_of_what_is_wrong(server, monkeypatch):
    error = CaseError("the mask is on another grid", "draw it on the image", patient="Huber", file="/data/Huber/t2.nii")
    monkeypatch.setattr(server.room, "take_in", lambda **_: (_ for _ in ()).throw(error))
    answer = server.browser(reader="", role="lead").ask("POST", f"/api/lead/takein?{QUERY}&suffix=.nii.gz", b"\x1f\x8b")
    assert answer.status == 422 and answer.json["error"] == str(error)


def test_the_arrow(server):
    lead = server.browser(reader="", role="lead")
    assert lead.ask("POST", "/api/lead/arrow", {"patient": "P1", "ras": [1.5, -2, 3]}).status == 200
    assert lead.ask("POST", "/api/lead/arrow", {"patient": "P1", "ras": None}).status == 200
    assert lead.ask("POST", "/api/lead/arrow", {"patient": "P1", "ras": [1, 2]}).status == 422
    assert [what["ras"] for _, what in server.room.called] == [(1.5, -2, 3), None]


def test_the_lead_looks_at_a_lesion_to_place_the_arrow(server):
    lead = server.browser(reader="", role="lead")
    document = lead.ask("GET", "/api/lead/lesion/P1/1").json
    assert document["target"] == {"side": "left"} and document["arrow"] is None
    (sequence,) = document["sequences"]
    assert sequence["name"] == "T2WI" and sequence["shape"] == list(SHAPE)
    octets = lead.ask("GET", "/api/lead/lesion/P1/1/volume/T2WI/acquired")
    assert octets.status == 200 and len(octets.body) == 2 * np.prod(SHAPE)
    for other in ("P1/2", "P2/1", "P1/1/volume/DWI/acquired", "P1/1/volume/T2WI/other", "../1"):
        assert lead.ask("GET", f"/api/lead/lesion/{other}").status == 404
    for path in ("P1/1", "P1/1/volume/T2WI/acquired"):
        assert server.browser().ask("GET", f"/api/lead/lesion/{path}").status == 403


def test_an_unexpected_error_is_told_by_its_number_and_printed_without_names(server, caplog):
    lead = server.browser(reader="", role="lead")
    answer = lead.ask("POST", "/api/lead/export", {"tab": "t"})
    assert answer.status == 500 and "bug-" in answer.json["error"] and b"Huber" not in answer.body
    assert "RuntimeError" in caplog.text and "/data/Huber" not in caplog.text
    assert lead.ask("GET", "/api/me").status == 200


QUERY = "reader=anna&patient=P1&lesion=1&sequence=T2WI"


def test_a_mask_drawn_elsewhere_is_sent_as_a_file_and_its_name_is_the_servers(server):
    lead = server.browser(reader="", role="lead")
    content = b"\x1f\x8bmask"
    assert lead.ask("POST", f"/api/lead/takein?{QUERY}&suffix=.nii.gz", content).json == {"voxels": 1}
    ((_, what),) = server.room.called
    assert what["content"] == content
    assert what["file"].name == "mask.nii.gz" and not what["file"].exists()
    assert (what["reader"], what["patient"], what["lesion"], what["sequence"]) == ("anna", "P1", "1", "T2WI")


@pytest.mark.parametrize("query", [
    "reader=anna&suffix=.nii.gz", f"{QUERY}&suffix=/../../x.nii.gz", f"{QUERY}&suffix=.exe", QUERY,
    f"{QUERY}&suffix=.nii",
])  # fmt: skip
def test_a_file_of_another_kind_is_refused(server, query):
    lead = server.browser(reader="", role="lead")
    assert lead.ask("POST", f"/api/lead/takein?{query}", b"\x1f\x8bmask").status == 422
    assert not server.room.called
