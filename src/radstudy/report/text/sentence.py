"""One sentence of the report: its name, its condition and its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from radstudy.bugs import LOG, note
from radstudy.report.facts import AbsentError, RunFacts


@dataclass(frozen=True)
class Sentence:
    """A sentence that is printed only if the run's files show that it is true.

    Parameters
    ----------
    name : its identity; a test checks that it is not printed for a run without the work that it describes.
    when : True if the run's files show the work that it describes. A missing table shows no work.
    text : the sentence itself.
    """

    name: str
    when: Callable[[RunFacts], bool]
    text: Callable[[RunFacts], str]

    def said(self, facts: RunFacts) -> str:
        """The sentence, or "" if the run does not show its work; if files cannot be understood, a note of that."""
        try:
            return self.text(facts) if self.when(facts) else ""
        except AbsentError:
            return ""
        except (
            Exception
        ) as error:  # a broken run may have left a damaged file: the other sentences must still be printed
            bug = note(error, f"report: sentence {self.name}")
            return (
                "(A sentence is missing because the files of the run cannot be understood: "
                f"{self.name}: {bug.said}; see {LOG}.)"
            )


def said(
    facts: RunFacts, sentences: Iterable[Sentence], change: Callable[[str, str], str] = lambda _, text: text
) -> str:
    """The sentences that are true of the run, one after the other; `change` gets the name and text of each."""
    return " ".join(filter(None, (change(sentence.name, sentence.said(facts)) for sentence in sentences)))


def not_run(step: str) -> Sentence:
    """The sentence that a step has not finished."""
    return Sentence(
        f"{step}_not_run",
        lambda facts: not facts.finished(step),
        lambda _: f"The step '{step}' has not finished. To do: run 'radstudy run' again; it continues from there.",
    )
