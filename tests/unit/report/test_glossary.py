"""Words: the report's fold and docs/glossary.md, and the names of the outcome's groups."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from radstudy.protocol.sections import OutcomeSection
from radstudy.report.facts import RunFacts

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


def test_the_report_and_the_docs_explain_the_same_words():
    source = REPOSITORY / "src" / "radstudy" / "report" / "glossary.yaml"
    words = {item["word"]: item["means"] for item in YAML(typ="safe").load(source.read_text(encoding="utf-8"))}
    assert {"derive", "agree", "signature", "role", "apparent"} <= set(words)
    page = " ".join((REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8").split())
    for word, means in words.items():
        assert f"**{word}**: {' '.join(means.split())}" in page
