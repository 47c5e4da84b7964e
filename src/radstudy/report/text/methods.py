"""The methods text: one paragraph per step, built from the sentences that the run's files show to be true."""

from __future__ import annotations

from dataclasses import replace

from radstudy.protocol.words import listed
from radstudy.provenance import PROVENANCE
from radstudy.report.cited import quoted
from radstudy.report.facts import RunFacts
from radstudy.report.text.agreement import AGREEMENT
from radstudy.report.text.author import author_marks
from radstudy.report.text.cohort import COHORT
from radstudy.report.text.figured import EXAMPLES, WORKFLOW
from radstudy.report.text.images import FEATURES, IMAGES
from radstudy.report.text.modelling import MODELS, SELECTION
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.reading import READ
from radstudy.report.text.references import Citations
from radstudy.report.text.resampling import BASELINES, CHANCE, RESAMPLING
from radstudy.report.text.sentence import Sentence, not_run, said
from radstudy.report.text.statistics import STATISTICS, TAILS

_SEALED = ("Chance and baselines", "Resampling")  # they come with the testing results
_STEPS = ("evaluate", "model", "agree", "extract", "prepare", "cohort")


def methods(facts: RunFacts, citations: Citations | None = None) -> list[Paragraph]:
    """The methods text, without paragraphs that have no true sentence.

    Parameters
    ----------
    facts : the run.
    citations : number the references where a sentence names a method; None: the text has none.
    """
    citations = Citations(()) if citations is None else citations
    groups = [(lead, sentences) for lead, sentences in METHODS if not (facts.sealed and lead in _SEALED)]
    told = [Paragraph(said(facts, sentences, citations.cited), lead) for lead, sentences in groups]
    return [_with_marks(facts, paragraph) for paragraph in told if paragraph.text]


def _with_marks(facts: RunFacts, paragraph: Paragraph) -> Paragraph:
    """The paragraph with the marks of what its author must add."""
    return replace(paragraph, text=f"{paragraph.text} {author_marks(facts, paragraph.lead)}".rstrip())


def _ran(facts: RunFacts) -> bool:
    return any(facts.finished(step) for step in _STEPS)


def _software(facts: RunFacts) -> str:
    used = next(facts.documents[f"{step}/{PROVENANCE}"] for step in _STEPS if facts.finished(step))["versions"]
    libraries = [
        f"{name} {quoted(version)}" for name, version in used.items() if name not in ("radstudy", "python", "platform")
    ]
    program, python, platform = (quoted(used[name]) for name in ("radstudy", "python", "platform"))
    return f"radstudy {program} on Python {python} ({platform}), with {listed(libraries)}."


def _prepare_not_run() -> Sentence:
    wanted = not_run("prepare")
    return Sentence(wanted.name, lambda facts: facts.protocol.features is None and wanted.when(facts), wanted.text)


METHODS: tuple[tuple[str, tuple[Sentence, ...]], ...] = (
    ("Patients", (*COHORT, WORKFLOW, not_run("cohort"))),
    ("Reading", READ),
    ("Image preparation", (*IMAGES, _prepare_not_run())),
    ("Segmentation and features", (*FEATURES, not_run("extract"))),
    ("Reproducibility", (*AGREEMENT, not_run("agree"))),
    ("Feature selection", SELECTION),
    ("Models", (*MODELS, not_run("model"))),
    ("Statistics", (*STATISTICS, *TAILS, EXAMPLES)),
    ("Chance and baselines", (*CHANCE, *BASELINES)),
    ("Resampling", (*RESAMPLING, not_run("evaluate"))),
    (
        "Software",
        (
            Sentence("software", _ran, _software),
            Sentence("no_version", lambda facts: not _ran(facts), lambda _: "No step has run, so no version is known."),
        ),
    ),
)
