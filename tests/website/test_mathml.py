"""Formulas become MathML without anything that was not understood."""

import pytest

from radstudy.catalogue import CATALOGUE

mathml = pytest.importorskip("website.mathml", reason="needs the extra `docs`")


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda one: f"{one.family}-{one.name}")
def test_a_formula_is_understood(feature):
    text = mathml.formula(feature.formula, block=True)
    assert text.startswith("<math") and "\\" not in text and "<merror" not in text
