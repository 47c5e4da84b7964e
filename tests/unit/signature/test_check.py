"""radstudy signature check: what it verifies, and every change that it has to find."""

import json

import pytest

from hostile.format_kinds import signature as former_signature
from radstudy import cli
from radstudy.errors import RefusedError
from radstudy.signature.check import FAILED, NOT_CHECKED, PASSED, check_signature
from radstudy.signature.document import HASH, read_signature
from radstudy.store import content_hash


def results(file):
    return {part.part: part.result for part in check_signature(file)}


def document_in(folder):
    return json.loads((folder / "run" / "signature.json").read_text(encoding="utf-8"))


def written(folder, document, *, hashed):
    """The document with a change; `hashed`: by somebody who also replaced the hash."""
    if hashed:
        content = {name: value for name, value in document.items() if name != HASH}
        document = {**document, HASH: content_hash(content)}
    file = folder / "signature.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_the_signature_of_a_run_passes_and_its_features_are_measured_again(small):
    parts = check_signature(small / "run" / "signature.json")
    assert {part.result for part in parts if part.part != "refits"} == {PASSED}
    assert [part.part for part in parts] == [
        "layout", "hash", "parts", "settings", "formula", "image", "image formula", "refits",
    ]  # fmt: skip
    assert "largest relative difference 0 " in next(part.text for part in parts if part.part == "image")
    assert parts[-1].result == NOT_CHECKED  # the step evaluate has not run


def test_a_change_by_hand_is_found_and_such_a_file_is_not_used(small, tmp_path):
    document = document_in(small)
    document["formula"]["terms"][0]["coefficient"] *= 1.01
    file = written(tmp_path, document, hashed=False)
    assert results(file)["hash"] == FAILED and results(file)["formula"] == FAILED
    with pytest.raises(RefusedError, match="was changed after radstudy wrote it"):
        read_signature(file)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda d: d["formula"].update(intercept=d["formula"]["intercept"] + 1e-6), "formula"),
        (lambda d: d["test_vector"]["image"]["voxels"][5].__setitem__(140, 900), "image"),
        (lambda d: d["prepare"].append({"rescale": {"to": [0, 100], "from": "minmax"}}), "settings"),
        (lambda d: d["prepare"].append({"rescale": {"to": [0, 100], "from": "minmax"}}), "image"),
        (lambda d: d["extract"].update(bin_width=5), "settings"),
        (lambda d: d.update(cutoff=2), "layout"),
        (lambda d: d.update(remark="mine"), "layout"),
        (lambda d: d["formula"]["terms"][0].update(name="T1:original_firstorder_Mean"), "parts"),
    ],
)
def test_a_change_with_a_new_hash_is_found_by_what_the_file_must_give(small, tmp_path, change, part):
    document = document_in(small)
    change(document)
    assert results(written(tmp_path, document, hashed=True))[part] == FAILED


def test_a_file_of_the_first_format_says_what_cannot_be_verified(tmp_path):
    (tmp_path / "s.json").write_bytes(former_signature())
    assert results(tmp_path / "s.json") == {"parts": PASSED, "hash": NOT_CHECKED}


def called(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["radstudy", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        cli.main()
    printed = capsys.readouterr()
    return done.value.code or 0, printed.out, printed.err


def test_the_command_ends_with_0_or_5_and_prints_a_line_for_each_part(small, tmp_path, monkeypatch, capsys):
    code, out, _ = called(monkeypatch, capsys, "signature", "check", small / "run" / "signature.json")
    assert code == 0 and out.count("\n") == 8 and "passed       hash: the content has the stated hash" in out
    document = document_in(small)
    document["cutoff"] = 0.1
    file = written(tmp_path, document, hashed=False)
    code, out, error = called(monkeypatch, capsys, "signature", "check", file, "--json")
    assert code == 5 and "must not be used: hash failed" in error
    assert {part["part"] for part in json.loads(out) if part["result"] == FAILED} == {"hash"}
    (tmp_path / "later.json").write_text(json.dumps({**document, "format": "radstudy signature 3"}), encoding="utf-8")
    code, out, _ = called(monkeypatch, capsys, "signature", "check", tmp_path / "later.json")
    assert code == 5 and "install a newer radstudy" in out
    assert called(monkeypatch, capsys, "signature", "check", tmp_path / "none.json")[0] == 5
