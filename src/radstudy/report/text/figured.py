"""The methods text on the figures of the workflow and of the example patients."""

from __future__ import annotations

from radstudy.report.facts import TESTING, RunFacts
from radstudy.report.outline import has_part, number_of
from radstudy.report.text.evidence import fitted, leading_model, leading_model_is, rows
from radstudy.report.text.sentence import Sentence

RULE = (
    "of each class, the correctly classified case whose probability is nearest to the median of the class, and the "
    "misclassified case nearest to the median of the misclassified of that class; of equals, the first of the cohort"
)


def workflow_drawn(facts: RunFacts) -> bool:
    """True if the report has the figure of the workflow, from the images to a model."""
    return has_part("figure", "workflow") and bool(fitted(facts))


def _examples_drawn(facts: RunFacts) -> bool:
    predicted = rows(facts, "model/predictions.csv", "model", "set", "probability")
    tested = predicted[(predicted["model"] == leading_model(facts)) & (predicted["set"] == TESTING)]
    pictures = facts.protocol.features is None and facts.protocol.report.quality_pictures and facts.pictures
    return has_part("figure", "examples") and bool(pictures) and bool(len(tested))


def _examples(facts: RunFacts) -> str:
    return (
        f"The testing patients in {number_of('figure', 'examples')} were chosen by a rule, with the probabilities of "
        f"{leading_model(facts)}, the {leading_model_is(facts)}: {RULE}."
    )


WORKFLOW = Sentence(
    "workflow_figure",
    workflow_drawn,
    lambda _: f"{number_of('figure', 'workflow')} gives the workflow, with the counts of every step.",
)
EXAMPLES = Sentence("example_patients", _examples_drawn, _examples)
