import math

import pytest

from radstudy.app.reading.forms import (
    AnswersError,
    SequenceAnswer,
    accepted,
    accepted_sequences,
    form_of,
    problems_of_sequences,
    problems_of_values,
)
from radstudy.artefacts.reading import NOT_ASSESSABLE
from radstudy.errors import StudyFileError
from radstudy.protocol.load import parse_protocol
from unit.app.reading.conftest import STUDY

WHOLE = {"width_cm": 2.5, "margin": "rough", "tic_type": "II", "likelihood": 40}


@pytest.fixture
def form(protocol):
    return form_of(protocol, "characteristics")


def test_the_form_is_the_codebooks(form):
    assert [item.name for item in form] == ["width_cm", "margin", "tic_type", "likelihood", "comment"]
    width, margin, curve, likelihood, comment = form
    assert (width.kind, width.label, width.unit, width.range) == ("number", "Width", "cm", (0, 300))
    assert (margin.kind, margin.levels, margin.definition) == ("level", ("smooth", "rough"), "its outline")
    assert (curve.computed, margin.computed) == (True, False)
    assert (likelihood.label, likelihood.range, likelihood.required) == ("fish: 1", (0, 100), True)
    assert not comment.required
    assert margin.document()["not_assessable"] == NOT_ASSESSABLE
    assert likelihood.document()["not_assessable"] is None


def test_each_task_has_its_form(protocol):
    assert [item.name for item in form_of(protocol, "masks")] == ["comment"]
    assert [item.name for item in form_of(protocol, "arbitration", ["margin"])] == ["margin", "comment"]
    assert [item.name for item in form_of(protocol, "arbitration")] == ["width_cm", "margin", "tic_type", "comment"]
    without = parse_protocol(STUDY.replace("{arbiter", "{likelihood: false, arbiter"))
    assert "likelihood" not in [item.name for item in form_of(without, "characteristics")]


def test_a_variable_called_comment_is_refused_only_where_it_is_asked():
    text = STUDY.replace("age: {}", "comment: {levels: [a, b], table: imaging}")
    with pytest.raises(StudyFileError, match="asks 'comment' itself"):
        form_of(parse_protocol(text), "characteristics")
    with pytest.raises(StudyFileError, match="asks 'comment' itself"):
        parse_protocol(text.replace("{arbiter", "{items: [comment, width_cm], arbiter"))
    assert form_of(parse_protocol(text.replace("{arbiter", "{items: [margin, width_cm], arbiter")), "characteristics")


def test_a_whole_form_has_no_problem(form):
    assert problems_of_values(form, WHOLE) == ()
    assert problems_of_values(form, {**WHOLE, "margin": NOT_ASSESSABLE, "width_cm": NOT_ASSESSABLE}) == ()


@pytest.mark.parametrize(
    ("item", "value", "what", "says"),
    [
        ("margin", None, "missing", "margin is not answered"),
        ("margin", "  ", "missing", "margin is not answered"),
        ("margin", "Rough", "wrong", "choose one of smooth, rough"),
        ("margin", 1, "wrong", "choose one of"),
        ("width_cm", "2.5", "wrong", "Width: give a number"),
        ("width_cm", True, "wrong", "give a number"),
        ("width_cm", math.nan, "wrong", "give a number"),
        ("width_cm", 301, "wrong", "Width is 301 cm; possible is 0 to 300 cm"),
        ("width_cm", -0.1, "wrong", "possible is 0 to 300 cm"),
        ("likelihood", None, "missing", "fish: 1 is not answered"),
        ("likelihood", 100.5, "wrong", "possible is 0 to 100 %"),
        ("likelihood", NOT_ASSESSABLE, "wrong", "give a number"),
    ],
)
def test_what_is_missing_or_wrong_is_told_item_by_item(form, item, value, what, says):
    (problem,) = problems_of_values(form, {**WHOLE, item: value})
    assert (problem.what, problem.item) == (what, item)
    assert says in problem.text


def test_an_empty_form_lists_every_item(form):
    assert [problem.item for problem in problems_of_values(form, {})] == list(WHOLE)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"outcome": 1}, "'outcome' is not asked"),
        ({"margin": ["rough"]}, "a text or a number"),
        ({"margin": True}, "a text or a number"),
        ({"comment": "x" * 5001}, "longer than 5000"),
        ({"width_cm": math.inf}, "not a number that can be kept"),
    ],
)
def test_what_is_no_answer_is_not_kept(form, values, says):
    with pytest.raises(AnswersError, match=says):
        accepted(form, values)


def test_half_filled_forms_are_kept_and_what_was_taken_back_is_left_out(form):
    assert accepted(form, {"margin": "", "width_cm": None, "likelihood": 0, "comment": "a"}) == {
        "likelihood": 0, "comment": "a",
    }  # fmt: skip


SEEN = SequenceAnswer(visible=True, evaluable=True, quality=4)


@pytest.mark.parametrize(
    ("answer", "voxels", "says"),
    [
        (SEEN, 9, None),
        (SEEN, 0, "T2WI: the lesion is visible, but not drawn"),
        (SequenceAnswer(visible=False, evaluable=True, quality=4), 0, None),
        (
            SequenceAnswer(visible=False, evaluable=True, quality=4),
            9,
            "9 voxels are drawn, but the lesion is not visible",
        ),
        (SequenceAnswer(evaluable=False, reason="motion", quality=1), 0, None),
        (SequenceAnswer(visible=True, evaluable=False, reason="motion", quality=1), 0, None),
        (SequenceAnswer(evaluable=False, reason="motion", quality=1), 2, "the lesion is not to be evaluated"),
        (SequenceAnswer(evaluable=False, reason=" ", quality=1), 0, "say why it cannot be evaluated"),
        (SequenceAnswer(visible=True, evaluable=True), 9, "say the image quality, 1 to 5"),
        (SequenceAnswer(evaluable=True, quality=2), 9, "say whether the lesion is visible"),
        (SequenceAnswer(visible=True, quality=2), 9, "say whether it can be evaluated"),
    ],
)
def test_a_drawing_and_what_is_said_of_the_sequence_fit(answer, voxels, says):
    problems = problems_of_sequences(["T2WI"], {"T2WI": answer}, {"T2WI": voxels})
    assert [problem.sequence for problem in problems] == ["T2WI"] * len(problems)
    if says is None:
        assert problems == ()
    else:
        assert len(problems) == 1
        assert says in problems[0].text


def test_without_drawing_nothing_has_to_be_said_of_sequences():
    assert problems_of_sequences(["T2WI"], {}) == ()
    assert len(problems_of_sequences(["T2WI"], {}, {})) == 3


@pytest.mark.parametrize(
    "given",
    [{"quality": 6}, {"quality": 0}, {"quality": True}, {"quality": 2.5}, {"visible": "yes"}, {"reason": 3},
     {"reason": "x" * 5001}, {"outcome": 1}],
)  # fmt: skip
def test_what_is_no_answer_for_a_sequence_is_refused(given):
    with pytest.raises(AnswersError):
        SequenceAnswer.of(given)


def test_an_answer_for_a_sequence_is_read_as_it_was_sent():
    sent = {"visible": True, "evaluable": None, "reason": "", "quality": 3}
    assert SequenceAnswer.of(sent).document() == sent
    assert SequenceAnswer.of({"reason": None}) == SequenceAnswer()


def test_only_sequences_of_the_case_are_said_something_of():
    sent = {"DWI": {"quality": 2}, "T2WI": {"visible": True}}
    assert list(accepted_sequences(["T2WI", "DWI", "DCE2"], sent)) == ["T2WI", "DWI"]
    for wrong in ({"ADC": {}}, {"DWI": None}, {"DWI": [1]}):
        with pytest.raises(AnswersError):
            accepted_sequences(["T2WI", "DWI"], wrong)
