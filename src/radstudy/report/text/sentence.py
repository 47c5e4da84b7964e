"""One sentence of the report: its name, when it is true of the run, and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from radstudy.bugs import LOG, note
from radstudy.report.facts import AbsentError, Facts


@dataclass(frozen=True)
class Sentence:
    """A sentence that is said only where the run's files show that it is true.

    Parameters
    ----------
    name : its identity; a test holds that there is a run without its work in which it is not said.
    when : whether the run's files show the work that it tells of. A table that is not there is no work.
    text : how it reads.
    """

    name: str
    when: Callable[[Facts], bool]
    text: Callable[[Facts], str]

    def said(self, facts: Facts) -> str:
        """The sentence, or "" where the run does not show its work. Files that cannot be understood are said."""
        try:
            return self.text(facts) if self.when(facts) else ""
        except AbsentError:
            return ""
        except Exception as error:  # a file that a broken run left half right: the other sentences must still be said
            bug = note(error, f"report: sentence {self.name}")
            return f"(Not said, for the files of the run cannot be understood: {self.name}: {bug.said}; see {LOG}.)"


def said(facts: Facts, sentences: Iterable[Sentence]) -> str:
    """The sentences that are true of the run, one after the other."""
    return " ".join(filter(None, (sentence.said(facts) for sentence in sentences)))


def not_run(step: str) -> Sentence:
    """That a step has not run to its end."""
    return Sentence(
        f"{step}_not_run",
        lambda facts: not facts.finished(step),
        lambda _: f"The step '{step}' has not run to its end. To do: 'radstudy run' goes on from there.",
    )
