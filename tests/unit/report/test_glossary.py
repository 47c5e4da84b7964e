"""Words: the report's fold and docs/glossary.md, and the names of the outcome's groups."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from radstudy.protocol.sections import OutcomeSection
from radstudy.report.facts import RunFacts
from radstudy.report.write import _glossary

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("outcome", "groups"),
    [
        ({"labels": ("no", "yes"), "label": "FISH"}, ("FISH no", "FISH yes")),
        ({"labels": ("Negative", "Positive")}, ("fish Negative", "fish Positive")),
        ({"labels": ("FISH-negative", "FISH-positive")}, ("FISH-negative", "FISH-positive")),
        ({"positive": "yes", "negative": "no"}, ("fish no", "fish yes")),
    ],
)
def test_groups_that_are_called_no_and_yes_are_named_by_the_outcome(outcome, groups):
    protocol = SimpleNamespace(cohort=SimpleNamespace(outcome=OutcomeSection(column="fish", **outcome)))
    assert RunFacts.groups.fget(SimpleNamespace(protocol=protocol)) == groups


@pytest.mark.parametrize(
    ("outcome", "told", "of_group", "event"),
    [
        ({"labels": ("no", "yes"), "label": "FISH"}, "patients with FISH from those without FISH", "with FISH", "FISH"),
        ({"positive": "yes", "negative": "no"}, "patients with fish from those without fish", "with fish", "fish"),
        ({"positive": "ja"}, "patients with fish from those without fish", "with fish", "fish"),
        ({"labels": ("FISH-negative", "FISH-positive")}, "FISH-positive from FISH-negative patients", "FISH-positive",
         "FISH-positive"),
        ({"labels": ("neg", "pos")}, "fish pos from fish neg patients", "fish pos", "fish pos"),
        ({"positive": "1", "negative": "0"}, "patients with fish = 1 from those with fish = 0", "with fish = 1",
         "fish = 1"),
        ({"positive": "1"}, "patients with fish = 1 from those with another fish", "with fish = 1", "fish = 1"),
    ],
)  # fmt: skip
def test_groups_are_named_as_a_sentence_needs_them(facts, outcome, told, of_group, event):
    section = OutcomeSection(column="fish", **outcome)
    cohort = facts.protocol.cohort.model_copy(update={"outcome": section})
    object.__setattr__(facts, "protocol", facts.protocol.model_copy(update={"cohort": cohort}))
    assert facts.groups_told_apart("patients") == told
    assert (facts.of_group(1), facts.event) == (of_group, event)


def test_the_report_and_the_docs_explain_the_same_words():
    source = REPOSITORY / "src" / "radstudy" / "report" / "glossary.yaml"
    words = {item["word"]: item["means"] for item in YAML(typ="safe").load(source.read_text(encoding="utf-8"))}
    assert {"derive", "agree", "signature", "role", "apparent", "out-of-bag", "max-T", "Youden index"} <= set(words)
    assert not {"derive", "role"} & {term["word"] for term in _glossary()}  # which no report uses
    assert "NRI and IDI" in {term["word"] for term in _glossary()}
    page = " ".join((REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8").split())
    for word, means in words.items():
        assert f"**{word}**: {' '.join(means.split())}" in page
