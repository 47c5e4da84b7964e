import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from radstudy.app.reading.arbitration import (
    FinalValue,
    disputed,
    final_values,
    lesions_to_arbitrate,
    order_of_others,
    paired_answers,
)
from radstudy.app.reading.forms import FormItem
from radstudy.artefacts.reading import NOT_ASSESSABLE
from radstudy.statistics.kappa import cohen_kappa

WIDTH = FormItem("width_cm", "Width", "number", unit="cm")
DEPTH = FormItem("depth_cm", "Depth", "number", unit="cm")
MARGIN = FormItem("margin", "Margin", "level", levels=("smooth", "rough"))
FORM = (WIDTH, DEPTH, MARGIN, FormItem("likelihood", "", "likelihood"), FormItem("comment", "", "text"))
LIMITS = {"width_cm": 0.5}


def says(width=1.0, depth=1.0, margin="rough"):
    return {"width_cm": width, "depth_cm": depth, "margin": margin, "likelihood": 3, "comment": str(width)}


@pytest.mark.parametrize(
    ("a", "b", "names", "value", "source"),
    [
        (says(2.0), says(2.0), (), 2.0, "agreed"),
        (says(1.6), says(2.1), (), 1.85, "averaged"),  # 2.1 - 1.6 is 0.5, not a little more
        (says(0.1), says(0.6), (), 0.35, "averaged"),
        (says(1.6), says(2.11), ("width_cm",), None, "unresolved"),
        (says(NOT_ASSESSABLE), says(2.0), ("width_cm",), None, "unresolved"),
        (says(NOT_ASSESSABLE), says(NOT_ASSESSABLE), (), NOT_ASSESSABLE, "agreed"),
    ],
)
def test_numbers_are_averaged_up_to_their_limit_and_arbitrated_above(a, b, names, value, source):
    assert disputed(FORM, [a, b], LIMITS) == names == disputed(FORM, [b, a], LIMITS)
    assert final_values(FORM, [a, b], LIMITS)["width_cm"] == FinalValue(value, source)


def test_a_number_without_a_limit_is_always_averaged():
    assert final_values(FORM, [says(depth=1), says(depth=9)], LIMITS)["depth_cm"] == FinalValue(5, "averaged")


def test_levels_that_differ_are_decided_by_the_arbiter_alone():
    answers = [says(margin="rough"), says(margin="smooth")]
    assert disputed(FORM, answers, LIMITS) == ("margin",)
    assert final_values(FORM, answers, LIMITS)["margin"] == FinalValue(None, "unresolved")
    decided = final_values(FORM, answers, LIMITS, {"margin": "smooth", "width_cm": 77})
    assert decided["margin"] == FinalValue("smooth", "arbitrated")
    assert decided["width_cm"] == FinalValue(1.0, "agreed")
    assert set(decided) == {"width_cm", "depth_cm", "margin"}


def test_an_item_that_was_asked_later_is_unresolved_and_not_made_up():
    before = {"depth_cm": 1.0, "margin": "rough"}
    assert disputed(FORM, [before, before], LIMITS) == ()
    assert final_values(FORM, [before, before], LIMITS)["width_cm"] == FinalValue(None, "unresolved")
    assert disputed(FORM, [before, says(1.0)], LIMITS) == ("width_cm",)
    assert final_values(FORM, [before], LIMITS)["width_cm"] == FinalValue(None, "unresolved")


def test_a_reader_alone_has_the_final_value():
    assert final_values(FORM, [says(3.0)], LIMITS)["width_cm"] == FinalValue(3.0, "alone")
    with pytest.raises(ValueError, match="no reader"):
        final_values(FORM, [], LIMITS)


@given(st.lists(st.floats(0, 100).map(lambda x: round(x, 2)), min_size=2, max_size=4))
def test_an_average_lies_between_the_readers_and_does_not_know_their_order(widths):
    one = final_values(FORM, [says(width) for width in widths], {})["width_cm"]
    assert one == final_values(FORM, [says(width) for width in reversed(widths)], {})["width_cm"]
    assert min(widths) <= one.value <= max(widths)


def test_only_lesions_that_both_have_closed_and_differ_on_wait_for_the_arbiter():
    answers = {
        ("A", "1"): {"anna": says(1), "ben": says(2)},
        ("B", "1"): {"anna": says(1), "ben": says(1), "zoe": says(9)},
        ("C", "1"): {"anna": says(1)},
        ("D", "1"): {"anna": says(margin="rough"), "ben": says(3, margin="smooth")},
    }
    assert lesions_to_arbitrate(FORM, answers, ("anna", "ben"), LIMITS) == {
        ("A", "1"): ("width_cm",), ("D", "1"): ("width_cm", "margin"),
    }  # fmt: skip


def test_nobody_is_always_a():
    orders = [order_of_others(5, f"P{number}", "1") for number in range(400)]
    assert orders == [order_of_others(5, f"P{number}", "1") for number in range(400)]
    assert 150 < orders.count((0, 1)) < 250
    assert orders.count((0, 1)) + orders.count((1, 0)) == 400


def test_kappa_is_of_the_lesions_that_both_could_judge():
    first = {
        (f"P{number}", "1"): {"anna": says(margin=a), "ben": says(margin=b)}
        for number, (a, b) in enumerate([("rough", "rough"), ("smooth", "rough"), ("smooth", "smooth"),
                                         (NOT_ASSESSABLE, "rough"), ("rough", "rough")])
    } | {("X", "1"): {"anna": says()}}  # fmt: skip
    lesions, pairs = paired_answers(MARGIN, first, ("anna", "ben"))
    assert [patient for patient, _ in lesions] == ["P0", "P1", "P2", "P4"]
    a, b = zip(*pairs, strict=True)
    assert cohen_kappa(a, b).value == pytest.approx(cohen_kappa_score(a, b))
    assert paired_answers(MARGIN, {}, ("anna",)) == ((), ())
