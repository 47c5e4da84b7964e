"""The run's history: a primary model declared before testing rows are predicted, after, changed, and damaged."""

import pytest

from radstudy.artefacts import HISTORY
from radstudy.artefacts.model import PREDICTIONS
from radstudy.protocol.load import parse_protocol
from radstudy.steps.evaluate import do_evaluate
from radstudy.steps.history import note_declaration, note_testing
from radstudy.steps.model import do_model
from unit.steps.conftest import STUDY

DECLARED = STUDY + "  primary: {model: all, against: clinical}\n"
OTHER = STUDY + "  primary: {model: T2, against: clinical}\n"


def note(out, *studies):
    for study in studies:
        note_declaration(parse_protocol(study), out)


def entries(out):
    return [(one["model"], one["against"], one["after_testing"]) for one in HISTORY.read(out)["declarations"]]


def test_a_declaration_is_written_once_and_before_testing(tmp_path):
    note(tmp_path, DECLARED, DECLARED)
    note_testing(tmp_path)
    note(tmp_path, DECLARED)
    assert entries(tmp_path) == [("all", "clinical", False)]
    assert HISTORY.read(tmp_path)["testing_first_predicted"] >= HISTORY.read(tmp_path)["declarations"][0]["declared"]


def test_a_declaration_after_testing_a_change_and_a_withdrawal_are_told(tmp_path):
    note(tmp_path, STUDY)
    assert entries(tmp_path) == []
    note_testing(tmp_path)
    first = HISTORY.read(tmp_path)["testing_first_predicted"]
    note(tmp_path, DECLARED, OTHER, STUDY, DECLARED)
    note_testing(tmp_path)
    assert HISTORY.read(tmp_path)["testing_first_predicted"] == first
    assert entries(tmp_path) == [
        ("all", "clinical", True), ("T2", "clinical", True), (None, None, True), ("all", "clinical", True)
    ]  # fmt: skip


def test_a_folder_of_before_counts_as_predicted_when_its_models_were_fitted(tmp_path):
    file = PREDICTIONS.file(tmp_path)
    file.parent.mkdir()
    file.write_text("model\n")
    (file.parent / "provenance.json").write_text('{"finished": "2026-01-02T03:04:05+00:00"}')
    note(tmp_path, DECLARED)
    assert HISTORY.read(tmp_path)["testing_first_predicted"] == "2026-01-02T03:04:05+00:00"
    assert entries(tmp_path) == [("all", "clinical", True)]
    HISTORY.file(tmp_path).unlink()
    (file.parent / "provenance.json").unlink()  # stopped before the step had finished
    note(tmp_path, DECLARED)
    assert entries(tmp_path) == [("all", "clinical", True)]


@pytest.mark.parametrize("content", ["{", "[]", '{"declarations": []}', '{"testing_first_predicted": null, "x": 1}'])
def test_a_damaged_history_is_kept_aside_and_told(tmp_path, content):
    HISTORY.file(tmp_path).write_text(content)
    said = []
    note_declaration(parse_protocol(DECLARED), tmp_path, said.append)
    assert (tmp_path / "history.kept-1.json").read_text() == content
    assert len(said) == 1 and "history.kept-1.json" in said[0]
    assert entries(tmp_path) == [("all", "clinical", False)]


def test_a_declaration_makes_nothing_run_again(synthetic):
    first = synthetic().run()
    keys = {step: first.key_of(step) for step in ("model", "evaluate")}
    again = type(first)(parse_protocol(DECLARED), first.data, first.out, 1, first.say, first.bar)
    do_model(again)
    do_evaluate(again)
    assert {step: again.key_of(step) for step in keys} == keys
