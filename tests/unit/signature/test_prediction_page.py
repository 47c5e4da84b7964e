"""The page of a prediction: what is on it, on a refusal too, and no text of a study that becomes HTML."""

import re
from dataclasses import replace

import pytest

from radstudy.signature.applicability import UnlikeTrainingError
from radstudy.signature.predict import predict_patient
from radstudy.signature.prediction_page import prediction_page, refusal_page
from unit.signature.clinical import clinical_signature


def predicted(signature=None, *, age="50", **more):
    model = signature or clinical_signature()
    return predict_patient(model, images={}, masks={}, clinical={"age": age, "margin": "rough"}, **more)


def test_the_page_has_probability_verdict_and_contributions():
    page = prediction_page(predicted(), title="P-17")
    assert page.count("Research use only, not a medical device.") == 2
    assert f"<p class=big>{predicted().probability:.3f}</p>" in page and "P-17: clinical" in page
    assert "No reason found against applying the model to this patient" in page
    assert "No interval: the signature has no refits." in page
    assert len(re.findall("<tr><td>clinical:", page)) == 2
    assert "http" not in page  # needs no network


def test_reasons_that_were_overruled_stand_above_the_probability():
    page = prediction_page(predicted(age="590", outside_range=True))
    assert page.index("--clinical age=590") < page.index("<p class=big>")
    assert "its accuracy is unknown" in page and "No reason found" not in page


def test_a_refusal_has_all_reasons_and_no_probability():
    model = clinical_signature()
    with pytest.raises(UnlikeTrainingError) as caught:
        predicted(model, age="590")
    page = refusal_page(model, caught.value.findings)
    assert "--clinical age=590" in page and "No probability is given." in page
    assert "class=big" not in page and "Research use only" in page


def test_no_text_of_a_study_becomes_html():
    signature = clinical_signature(study="<script>1</script>", notice="<b>", model="<i>")
    page = prediction_page(replace(predicted(signature), warnings=("<u>",)), title="<s>")
    for tag in ("<script>", "<b>", "<i>:", "<u>", "<s>"):
        assert tag not in page
