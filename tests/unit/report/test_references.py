"""References are cited where the method was used, and listed in the order of the text."""

import re

from radstudy.report.text.methods import METHODS
from radstudy.report.text.references import Citations, CitedWork, references

KNOWN = (CitedWork("b", ("one",), "beta", "B et al."), CitedWork("a", ("one", "two"), "alpha", "A et al."))


def test_numbers_follow_the_text_and_stay():
    citations = Citations(KNOWN)
    assert citations.cited("one", "By alpha and betas, then alpha.") == "By alpha [1] and betas [2], then alpha."
    assert citations.cited("two", "Again alpha; beta is not cited here.") == "Again alpha [1]; beta is not cited here."
    assert citations.cited("three", "alpha") == "alpha"
    assert citations.cited("one", "") == ""
    assert citations.lines() == ["1. A et al.", "2. B et al."]


def test_two_references_at_one_place_stand_in_one_bracket():
    citations = Citations((CitedWork("b", ("one",), "alpha", "B."), CitedWork("a", ("one",), "alpha", "A.")))
    assert citations.cited("one", "By alpha.") == "By alpha [1, 2]."


def test_every_reference_belongs_to_sentences_of_the_methods_and_has_an_address():
    names = {sentence.name for _, sentences in METHODS for sentence in sentences}
    assert len({one.key for one in references()}) == len(references()) > 20
    for one in references():
        assert set(one.sentences) <= names, one
        re.compile(one.word)
        assert re.search(r"\b(19|20)\d\d;\d+.*\d\.", one.text + "."), one.text
