"""What readers' pages ask for, over a real socket."""

import gzip
import json

import numpy as np
import pytest

from radstudy.errors import StorageError
from radstudy.formats.raster import read_raster
from unit.app.web.memory_room import AFFINE, CASES, SHAPE

CASE = "/api/case/masks/M-AAAA"


def _opened(server, tab="t1", **more):
    browser = server.browser()
    answer = browser.ask("POST", f"{CASE}/open", {"tab": tab, **more})
    assert answer.status == 200
    return browser, answer.json


def _stroke(revision=0, tab="t1", **more):
    return {"tab": tab, "sequence": "T2WI", "revision": revision, "tool": "brush", "runs": [[0, 2, 3]], **more}


def test_me_and_the_worklist(server):
    anna = server.browser()
    me = anna.ask("GET", "/api/me").json
    assert (me["role"], me["reader"], me["study"]) == ("reader", "anna", "Memory study")
    assert [task["task"] for task in me["tasks"]] == ["masks", "characteristics"]
    assert me["strings"] == {"entry": {"title": "Reading"}}
    worklist = anna.ask("GET", "/api/worklist/masks").json
    assert [case["id"] for case in worklist["cases"]] == CASES["anna", "masks"] and worklist["next"] == "M-AAAA"
    assert anna.ask("GET", "/api/worklist/nothing").status == 404
    assert anna.ask("GET", "/api/worklist/arbitration").status == 404  # not one of hers


@pytest.mark.parametrize("address", ["masks/M-CCCC", "masks/M-NONE", "characteristics/M-AAAA", "arbitration/A-AAAA"])
def test_another_readers_case_is_as_unknown_as_one_that_never_was(server, address):
    anna = server.browser()
    path = f"/api/case/{address}"
    answers = [
        anna.ask("POST", f"{path}/open", {"tab": "t"}),
        anna.ask("POST", f"{path}/answers", {"tab": "t", "revision": 0}),
        anna.ask("POST", f"{path}/close", {"tab": "t"}),
        anna.ask("POST", f"{path}/skip", {"tab": "t"}),
        anna.ask("GET", f"{path}/volume/T2WI/acquired"),
        anna.ask("GET", f"{path}/curve?lesion=1"),
    ]
    assert {answer.status for answer in answers} == {404}
    assert {answer.body for answer in answers} == {b'{"error":"there is no such case"}'}
    assert not server.room.tabs


def test_a_link_for_one_task_opens_no_other(server):
    anna = server.browser(task="masks")
    assert anna.ask("POST", f"{CASE}/open", {"tab": "t"}).status == 200
    assert anna.ask("POST", "/api/case/characteristics/C-AAAA/open", {"tab": "t"}).status == 403
    assert anna.ask("GET", "/api/worklist/characteristics").status == 403
    assert [task["task"] for task in anna.ask("GET", "/api/me").json["tasks"]] == ["masks"]


def test_a_lead_who_reads_nothing_opens_no_case(server):
    lead = server.browser(reader="", role="lead")
    assert lead.ask("GET", "/api/me").json["tasks"] == []
    assert lead.ask("POST", f"{CASE}/open", {"tab": "t"}).status == 403
    assert lead.ask("GET", f"{CASE}/volume/T2WI/acquired").status == 403


def test_the_document_of_a_case_says_how_its_images_lie_and_nothing_of_files(server, tmp_path):
    _, document = _opened(server)
    assert [one["name"] for one in document["sequences"]] == ["T2WI", "DCE3", "DCE7"]
    t2, dce3, dce7 = document["sequences"]
    assert t2["shape"] == list(SHAPE) and np.allclose(t2["affine"], AFFINE)
    assert np.allclose(t2["spacing_mm"], [1.1, 1.2, 4.0])
    assert t2["images"] == ["acquired"] and t2["dtype"] == "int16"
    assert t2["phases"] == [] and dce3["phases"] == dce7["phases"] == ["DCE1", "DCE3", "DCE7"]
    assert t2["windows"] == [[10, 700]] and dce3["windows"] == dce7["windows"] != t2["windows"]
    assert t2["grid"] == dce3["grid"]
    assert "nii" not in str(document) and str(tmp_path) not in str(document)


def test_voxels_are_those_of_the_file_in_fortran_order_and_little_endian(server, tmp_path):
    browser, _ = _opened(server)
    for sequence in ("T2WI", "DCE1", "DCE7"):
        answer = browser.ask("GET", f"{CASE}/volume/{sequence}/acquired", Accept_Encoding="gzip")
        stored, _ = read_raster(tmp_path / "images" / f"{sequence}.nii.gz")
        got = np.frombuffer(answer.body, "<i2").reshape(SHAPE, order="F")
        assert np.array_equal(got, stored)
        assert answer.headers["x-dtype"] == "int16" and answer.headers["x-shape"] == "12,10,5"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "no-store" and "content-encoding" not in answer.headers
    assert browser.ask("GET", f"{CASE}/volume/T2WI/prepared").status == 404  # the study prepares nothing
    assert browser.ask("GET", f"{CASE}/volume/T3/acquired").status == 404


def test_over_a_network_voxels_are_packed_where_the_browser_can_unpack_them(public_server):
    browser, _ = _opened(public_server)
    bare = browser.ask("GET", f"{CASE}/volume/T2WI/acquired")
    packed = browser.ask("GET", f"{CASE}/volume/T2WI/acquired", Accept_Encoding="gzip, deflate")
    assert "content-encoding" not in bare.headers and packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == bare.body


def test_an_image_that_cannot_be_read_is_told_without_its_name(server, caplog):
    anna = server.browser()
    answer = anna.ask("POST", "/api/case/masks/M-BBBB/open", {"tab": "t"})
    assert answer.status == 500 and "study lead" in answer.json["error"]
    assert b"missing" not in answer.body and b"nii" not in answer.body
    assert "missing.nii.gz" in caplog.text


def test_a_full_disk_is_no_fault_of_an_image_and_the_page_may_try_again(server, monkeypatch, caplog):
    browser, _ = _opened(server)

    def full(*_):
        raise StorageError("/data/Huber/room.sqlite", "No space left on device")

    monkeypatch.setattr(server.room, "stroke", full)
    answer = browser.ask("POST", f"{CASE}/stroke", _stroke())
    assert answer.status == 507 and "disk" in answer.json["error"] and b"Huber" not in answer.body
    assert "No space left" in caplog.text
    monkeypatch.undo()
    assert browser.ask("POST", f"{CASE}/stroke", _stroke()).json == {"revision": 1}


def test_two_tabs_cannot_write_to_one_case(server):
    first, _ = _opened(server)
    second = server.browser()
    held = second.ask("POST", f"{CASE}/open", {"tab": "t2"})
    assert held.status == 409 and held.json["held"] is True
    assert first.ask("POST", f"{CASE}/stroke", _stroke()).json == {"revision": 1}
    taken = second.ask("POST", f"{CASE}/open", {"tab": "t2", "take": True})
    assert taken.status == 200 and taken.json["masks"]["T2WI"]["revision"] == 1
    late = first.ask("POST", f"{CASE}/stroke", _stroke(1))
    assert late.status == 409 and late.json["held"] is True
    assert second.ask("POST", f"{CASE}/stroke", _stroke(1, tab="t2")).json == {"revision": 2}


def test_a_stroke_that_is_behind_is_told_where_the_mask_is(server):
    browser, _ = _opened(server)
    assert browser.ask("POST", f"{CASE}/stroke", _stroke()).status == 200
    behind = browser.ask("POST", f"{CASE}/stroke", _stroke())
    assert behind.status == 409 and behind.json["revision"] == 1 and behind.json["runs"] == [[0, 1, 1]]


def test_a_stroke_arrives_as_it_was_sent(server):
    browser, _ = _opened(server)
    runs = [[5, 2, 1], [0, 600, 0], [9, 1, 11]]
    browser.ask("POST", f"{CASE}/stroke", _stroke(runs=runs, view={"window": [0, 900], "zoom": 3.7}))
    ((_, strokes),) = server.room.masks.items()
    (stroke,) = strokes["T2WI"]
    assert stroke.runs.tolist() == runs and stroke.runs.dtype == np.int64
    assert stroke.tool == "brush" and stroke.view == {"window": [0, 900], "zoom": 3.7}


@pytest.mark.parametrize("change", [
    {"runs": [[0, 1]]}, {"runs": [[0, 1, 12]]}, {"runs": [[-1, 1, 1]]}, {"runs": [[0, 0, 1]]}, {"runs": [[0, 1.5, 1]]},
    {"runs": [["0", 1, 1]]}, {"runs": [[0, 1, 1], [0, 1]]}, {"runs": "all"}, {"runs": [[1 << 70, 1, 1]]},
    {"runs": [[[0, 1, 1]]]}, {"runs": [[None, 1, 1]]}, {"runs": [{}]}, {"revision": -1}, {"revision": "0"},
    {"revision": True}, {"tab": ""}, {"tab": "t" * 65}, {"sequence": 3}, {"reader": "boris"},
    {"view": {"x": "y" * 9000}}, {"tool": None}, {"view": {"zoom": float("inf")}}, {"view": {"zoom": float("nan")}},
    {"sequence": "\ud800"}, {"view": {"name": "\udfff"}}, {"view": {"\ud800": 1}},
])  # fmt: skip
def test_what_is_no_stroke_is_refused(server, change):
    browser, _ = _opened(server)
    answer = browser.ask("POST", f"{CASE}/stroke", _stroke(**change))
    assert answer.status == 422, answer.body
    assert not any(server.room.masks.values())


def test_a_number_beyond_the_largest_is_refused(server):
    browser, _ = _opened(server)
    body = json.dumps(_stroke(view={"zoom": 2.5})).encode()
    assert browser.ask("POST", f"{CASE}/stroke", body.replace(b"2.5", b"1e999")).status == 422
    assert browser.ask("POST", f"{CASE}/stroke", body).status == 200


def test_a_stroke_of_16_mb_is_taken_and_a_larger_one_refused(server):
    browser, _ = _opened(server)
    runs = [[9_000_000 + n, 1, 1] for n in range(1_000_000)]
    assert browser.ask("POST", f"{CASE}/stroke", _stroke(runs=runs)).status == 413  # 17 MB
    assert browser.ask("POST", f"{CASE}/stroke", _stroke(runs=runs[:900_000])).json == {"revision": 1}


def test_a_preview_answers_and_closing(server):
    browser, _ = _opened(server)
    asked = {"sequence": "T2WI", "what": "interpolate", "options": {}, "revision": 0, "tab": "t1"}
    assert browser.ask("POST", f"{CASE}/compute", asked).json == {"runs": [[3, 2, 7]]}
    assert browser.ask("POST", f"{CASE}/compute", {**asked, "what": "delete"}).status == 422
    values = {"margin": "spiculated", "size": 2.5, "count": 3, "seen": True, "note": None}
    answers = {"tab": "t1", "revision": 4, "values": values, "per_sequence": {"T2WI": {"visible": False}}}
    assert browser.ask("POST", f"{CASE}/answers", answers).json == {"revision": 5}
    ((_, sent),) = server.room.called
    assert (
        sent.values == values and type(sent.values["count"]) is int and sent.per_sequence["T2WI"] == {"visible": False}
    )
    assert browser.ask("POST", f"{CASE}/answers", {**answers, "values": {"a": {"b": 1}}}).status == 422
    assert browser.ask("POST", f"{CASE}/lock", {"tab": "t1"}).status == 404  # masks have nothing to lock
    assert browser.ask("POST", f"{CASE}/close", {"tab": "other"}).status == 409
    assert browser.ask("POST", f"{CASE}/close", {"tab": "t1"}).json == {"closed": True, "measures": {"voxels": 3}}


def test_an_incomplete_form_is_told_what_is_missing(server):
    anna, path = server.browser(), "/api/case/characteristics/C-AAAA"
    anna.ask("POST", f"{path}/open", {"tab": "t"})
    assert anna.ask("POST", f"{path}/lock", {"tab": "t"}).json["hidden"] == {"max_diameter_cm": 1.5}
    answer = anna.ask("POST", f"{path}/close", {"tab": "t"})
    assert answer.status == 422 and [one["item"] for one in answer.json["missing"]] == ["margin"]
    assert anna.ask("POST", f"{path}/skip", {"tab": "t"}).status == 200
    assert anna.ask("POST", f"{path}/pause", {"tab": "t"}).status == 200
    assert anna.ask("POST", f"{path}/pause", {"tab": "t"}).status == 409


def test_curves_of_a_voxel_and_of_the_lesion(server, tmp_path):
    browser, _ = _opened(server)
    voxels = [read_raster(tmp_path / "images" / f"DCE{n}.nii.gz")[0] for n in (1, 3, 7)]
    spot = browser.ask("GET", f"{CASE}/curve?sequence=DCE7&i=4&j=5&k=2").json
    assert spot == {"phases": ["DCE1", "DCE3", "DCE7"], "times_s": [60, 180, 420],
                    "values": [float(one[4, 5, 2]) for one in voxels]}  # fmt: skip
    lesion = browser.ask("GET", f"{CASE}/curve?lesion=1").json
    assert lesion["values"] == pytest.approx([one[2:4, 3, 1].mean() for one in voxels])
    assert browser.ask("GET", f"{CASE}/curve?sequence=T2WI&i=4&j=5&k=2").status == 404
    for query in ("sequence=DCE3&i=4&j=5", "sequence=DCE3&i=12&j=0&k=0", "sequence=DCE3&i=-1&j=0&k=0",
                  "sequence=DCE3&i=1e1&j=0&k=0", "sequence=DCE3&i=9999999999&j=0&k=0"):  # fmt: skip
        assert browser.ask("GET", f"{CASE}/curve?{query}").status == 422
    assert browser.ask("GET", f"{CASE}/curve").status == 404


def test_the_same_requests_are_answered_byte_for_byte(server):
    first, second = server.browser(), server.browser()
    for path in ("/api/me", "/api/worklist/masks", f"{CASE}/volume/T2WI/acquired", f"{CASE}/curve?lesion=1"):
        one, other = first.ask("GET", path), second.ask("GET", path)
        assert (one.body, one.headers) == (other.body, other.headers)
