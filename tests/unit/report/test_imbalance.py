"""What is said of the sizes of the classes: what the models did, and nothing that they did not."""

from dataclasses import replace

import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report.checklists import answered, shipped
from radstudy.report.checklists.answers import ItemStatus
from radstudy.report.imbalance import imbalance_handling, imbalance_known
from radstudy.report.outline import has_part, outline_of
from unit.report.conftest import MORE_STUDY

SIZES = "The training set had 20 benign patients and 20 malignant patients. "
NOTHING = "no patient was left out, repeated or synthesised to balance the classes."


def with_models(facts, fit, models=""):
    text = MORE_STUDY.replace("model:\n", f"model:\n  fit: {fit}\n{models}")
    return replace(facts, protocol=parse_protocol(text))


def test_without_weights_nothing_was_done(whole):
    told = imbalance_handling(whole)
    assert told == f"{SIZES}Nothing was done about the imbalance: every patient had the same weight, and {NOTHING}"


def test_weights_are_said(whole):
    weighted = with_models(whole, "[{svm: {weights: balanced}}]")
    assert imbalance_handling(weighted) == (
        f"{SIZES}The classifiers gave both classes the same total weight; {NOTHING}"
    )


def test_the_sizes_are_in_the_text_with_their_cells(whole):
    assert "cohort/flow.json" in imbalance_handling(whole.cited())


@pytest.mark.parametrize("lost", ["cohort/flow.json", "model/models.json"])
def test_of_a_run_without_models_or_sizes_nothing_is_said(whole, lost):
    assert imbalance_known(whole)
    whole.documents.pop(lost)
    assert not imbalance_known(whole)


def item(facts, name, number):
    (one,) = (one for one in answered(facts, shipped(name)) if one.item.number == number)
    return one


@pytest.mark.parametrize(("name", "number"), [("clear", "30"), ("tripod_ai", "13")])
def test_the_checklists_link_to_the_text(whole, name, number):
    one = item(whole, name, number)
    assert one.status is ItemStatus.MET and one.evidence[0].target == "#text-methods"


def test_clear_links_to_the_workflow_unless_the_study_leaves_it_out(whole):
    one = item(whole, "clear", "12")
    assert one.status is ItemStatus.MET
    assert (one.evidence[0].text, one.evidence[0].target) == ("Figure 2", "#figure-workflow")
    without = whole.protocol.report.model_copy(update={"leave_out": ("figure workflow",)})
    with outline_of(without):
        assert not has_part("figure", "workflow")
        assert item(whole, "clear", "12").status is ItemStatus.AUTHOR
