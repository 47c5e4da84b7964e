"""The step evaluate completes signature.json and writes its model card; nothing of the formula changes."""

import json
import shutil

import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.signature.check import NOT_CHECKED, PASSED, check_signature
from radstudy.signature.document import read_signature
from radstudy.signature.schema import schema_problems
from radstudy.store import file_hash
from radstudy.study import run
from unit.signature.conftest import STUDY

RESAMPLED = STUDY.replace("resampling: null", "resampling: {nested: null, splits: 0, bootstrap: 2}").replace(
    "chance: null", "chance: {permutations: 20}"
)


@pytest.fixture(scope="module")
def done(small):
    """The folder of a finished run with resampling and chance, up to the step evaluate."""
    out = small / "evaluated"
    run(parse_protocol(RESAMPLED), data=small, out=out, until="evaluate", jobs=1)
    return out


def document_of_run(folder):
    return json.loads((folder / "signature.json").read_text(encoding="utf-8"))


def again(small, out, text=RESAMPLED):
    said = []
    run(parse_protocol(text), data=small, out=out, until="evaluate", jobs=1, say=said.append)
    return said


def test_the_formula_is_that_of_the_step_model_and_the_rest_is_complete(done):
    whole = document_of_run(done)
    base = json.loads((done / "model" / "signatures" / "both.json").read_text(encoding="utf-8"))
    for part in ("formula", "cutoff", "training", "training_distribution", "test_vector", "settings"):
        assert whole[part] == base[part]
    assert base["performance"] is None and base["refits"] is None
    assert schema_problems(whole) == []
    assert {part.result for part in check_signature(done / "signature.json")} == {PASSED}
    table = pd.read_csv(done / "evaluate" / "table3.csv")
    testing = table[(table["model"] == "both") & (table["set"] == "testing")].iloc[0]
    assert whole["performance"]["testing"]["auc"] == testing["auc"]
    assert whole["performance"]["chance"]["testing"]["permutations"] == 20
    assert whole["cohort"]["training"] == {"patients": 18, "lesions": 18, "positive": 9}
    assert whole["cohort"]["clinical"]["margin"]["levels"].keys() == {"smooth", "rough"}
    assert whole["acquisition"] == {}  # no import wrote the images


def test_there_are_as_many_refits_as_an_interval_needs(done):
    refits = read_signature(done / "signature.json").refits
    assert refits.drawn == 40 >= len(refits.forms) > 30
    assert {*refits.clinical} == {*refits.variables}


def test_the_model_card_says_only_what_was_done(small, done):
    card = (done / "model_card.md").read_text(encoding="utf-8")
    assert "Nested cross-validation: not done." in card and "(testing, 20 permuted outcomes)" in card
    assert document_of_run(done)["hash"] in card and "Research use only, not a medical device." in card
    assert "No external validation is recorded in this file." in card
    again(small, small / "plain", STUDY)
    card = (small / "plain" / "model_card.md").read_text(encoding="utf-8")
    assert "Chance by permuted outcomes: not done." in card
    assert "A prediction has no interval" in card
    results = {part.part: part.result for part in check_signature(small / "plain" / "signature.json")}
    assert results["refits"] == NOT_CHECKED


def test_a_finished_run_is_left_and_a_file_that_is_gone_comes_back(small, done):
    before = document_of_run(done)
    assert "evaluate/signature: already done" in again(small, done)
    (done / "signature.json").unlink()
    said = again(small, done)
    assert "model: already done" in said and any(line.startswith("evaluate/signature: ") for line in said)
    assert document_of_run(done)["hash"] == before["hash"]
    (done / "model_card.md").write_text("my notes", encoding="utf-8")
    said = again(small, done)
    assert any("a file of this step was changed by hand; it is kept as" in line for line in said)
    kept = [file for file in done.glob("model_card*") if file.name != "model_card.md"]
    assert [file.read_text(encoding="utf-8") for file in kept] == ["my notes"]


def test_a_run_whose_model_was_fitted_before_gets_the_new_parts_and_the_same_numbers(small, done, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(done, old)
    former = old / "model" / "signatures" / "both.json"
    document = json.loads(former.read_text(encoding="utf-8"))
    own = document_of_run(done)
    document["format"] = "radstudy signature 1"
    for later in ("hash", "use", "settings", "population", "cutoff_rule", "acquisition", "cohort", "performance",
                  "machine", "refits", "test_vector"):  # fmt: skip
        del document[later]
    for term in document["formula"]["terms"]:
        del term["definition"]
    former.write_text(json.dumps(document), encoding="utf-8")
    shutil.copy(former, old / "signature.json")
    shutil.rmtree(old / "evaluate" / "signature")
    (old / "model_card.md").unlink()
    record = old / "model" / "provenance.json"
    provenance = json.loads(record.read_text(encoding="utf-8"))
    provenance["files"] |= {"signatures/both.json": file_hash(former), "../signature.json": file_hash(former)}
    record.write_text(json.dumps(provenance), encoding="utf-8")
    for _ in range(2):
        assert "model: already done" in again(small, old)
        made = document_of_run(old)
        assert {**made, "hash": ""} == {**own, "hash": ""}
