"""The checklists' YAML files: complete, in our words, and asking for nothing that no run could have."""

import pytest

from radstudy.artefacts import ARTEFACTS, JsonFile, TableFile
from radstudy.report.checklists import CHECKLISTS, read_checklist, shipped
from radstudy.report.facts import DOCUMENTS, TABLES

FILES = {file.path: file for file in (*TABLES, *DOCUMENTS)}
HEAD = "name: X\nsource: s\ndoi: d\nsections:\n  - title: T\n    items:\n"


def read(*items):
    return read_checklist(HEAD + "".join(f"      - {{{item}}}\n" for item in items))


def wanted_of(checklist):
    def flat(wanted):
        yield wanted
        for one in wanted.any_of:
            yield from flat(one)

    return [one for item in checklist.items for wanted in item.wanted for one in flat(wanted)]


def test_clear_has_58_items_and_metrics_30():
    for name, count in (("clear", 58), ("metrics", 30)):
        assert [item.number for item in shipped(name).items] == [str(number) for number in range(1, count + 1)]


def test_metrics_has_9_categories():
    assert len({item.section for item in shipped("metrics").items}) == 9


def test_tripod_ai_has_27_items_with_52_questions():
    numbers = [item.number for item in shipped("tripod_ai").items]
    assert len(numbers) == 52
    assert list(dict.fromkeys(int(number.rstrip("abcdefg")) for number in numbers)) == list(range(1, 28))


def test_the_conditions_switch_the_items_of_the_calculator():
    conditional = {item.number for item in shipped("metrics").items if item.applies_if}
    assert conditional == {"8", "9", "10", "12", "14", "15", "16", "17"}


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_question_is_one_and_every_author_is_told_in_a_sentence(name):
    for item in shipped(name).items:
        assert item.question.removesuffix(" (recommended)").endswith("?"), item.number
        assert not item.author or item.author.endswith("."), item.number


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_evidence_is_a_file_that_the_report_reads_with_a_declared_column(name):
    for wanted in wanted_of(shipped(name)):
        if not wanted.file:
            continue
        file = FILES[wanted.file]
        if isinstance(file, TableFile):
            names = {*file.names, *([wanted.column] if file.more else [])}
            assert {*([wanted.column] if wanted.column else []), *wanted.where} <= names, wanted
            assert not wanted.field
        else:
            assert isinstance(file, JsonFile) and not wanted.column
            if wanted.field and file.shape == "object" and file.fields:
                assert wanted.field.split(".")[0] in {field.name for field in file.fields}, wanted


@pytest.mark.parametrize("name", CHECKLISTS)
def test_what_is_read_is_a_file_of_the_run(name):
    assert set(shipped(name).reads) <= {file.path for file in ARTEFACTS}


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (['number: 1, question: "a?", author: A, colour: red'], "unknown keys: colour"),
        (['number: 1, question: "a?", author: A', 'number: 1, question: "b?", author: B'], "used for two items: 1"),
        (['number: 1, question: "a?"'], "nothing could meet it"),
        (['number: 1, question: "a?", partly: [{file: f}]'], "nothing could meet it"),
        (['number: 1, question: "a?", met_by: [{file: f}], partly: [{file: f}]'], "needs an author"),
        (['number: 1, question: "a?", met_by: [{file: f, study: s}]'], "exactly one of"),
        (['number: 1, question: "a?", met_by: [{study: s, column: c}]'], "'study' takes no column"),
        (['number: 1, question: "a?", met_by: [{check: guess}]'], "unknown check"),
    ],
)
def test_a_checklist_that_cannot_be_meant_is_refused(items, says):
    with pytest.raises(ValueError, match=says):
        read(*items)
