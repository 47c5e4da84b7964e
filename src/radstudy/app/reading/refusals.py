"""Reasons for which the reading room refuses a request. No text names a patient, because readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from radstudy.errors import RefusedError

if TYPE_CHECKING:
    from radstudy.app.reading.forms import FormProblem
    from radstudy.app.reading.strokes import Runs


class ReadingError(RefusedError):
    """Base of what the reading room refuses; nothing was stored."""


class UnknownCaseError(ReadingError):
    """There is no such case, or it is another reader's: the answer is the same."""

    def __init__(self) -> None:
        super().__init__("there is no such case")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (type(self), ())


class NotNextError(ReadingError):
    """The case is not due, or another one comes first: the order belongs to the study."""


class HeldElsewhereError(ReadingError):
    """The case is open in another tab, or in none."""


class ClosedCaseError(ReadingError):
    """The case is closed; the study lead may open it again, with a reason."""


class LockedAnswersError(ReadingError):
    """The first answers are locked, and stay."""


class OtherImageError(ReadingError):
    """A drawing lies on another image than the one that is there now."""


class BehindError(ReadingError):
    """The sender does not know what is stored; carries it, to catch up.

    Parameters
    ----------
    text : for the reader.
    revision : that is stored.
    runs : the whole mask, voxels outside left out; None where it is about answers.
    values : the answers, where it is about these.
    """

    def __init__(
        self, text: str, revision: int, *, runs: Runs | None = None, values: dict[str, Any] | None = None
    ) -> None:
        self.text, self.revision, self.runs, self.values = text, revision, runs, values
        super().__init__(text)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its text and revision."""
        return (type(self), (self.text, self.revision))


class UnfinishedError(ReadingError):
    """Something is missing or wrong before this can be done; carries what, item by item."""

    def __init__(self, problems: Sequence[FormProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.text for problem in self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (type(self), (self.problems,))
