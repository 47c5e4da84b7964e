"""The web server's view of the reading room behind it.

Every method of a `Room` may be called from several threads at once. Answers are plain JSON (dictionaries, lists, texts,
numbers) as the pages receive them, so that nothing is added on the way that would tell a reader what he must not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading.links import PersonalLink
from radstudy.errors import RadstudyError

Json = Mapping[str, Any]


# --- errors that the pages understand -------------------------------------------------------------------------------


class RequestError(RadstudyError):
    """A request that the room does not grant; `status` is HTTP's, `more` stands beside the text of the error.

    Parameters
    ----------
    text : what the user is told.
    more : further fields of the answer.
    """

    status = 400

    def __init__(self, text: str, more: Json | None = None) -> None:
        self.text = text
        self.more = dict(more or {})
        super().__init__(text)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (type(self), (self.text, self.more))


class NotAllowedError(RequestError):
    """This role or reader may not do that."""

    status = 403


class UnknownError(RequestError):
    """There is no such case, sequence or link, or it is another reader's: the answer is the same."""

    status = 404


class ConflictError(RequestError):
    """The case is held by another tab (``held``), or is further than the sender knows (``revision``, ``runs``)."""

    status = 409


class IncompleteError(RequestError):
    """Something is missing before this can be done (``missing``), or does not fit."""

    status = 422


# --- what is sent to the room ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseAddress:
    """A case as a request names it; the room decides whether it is this reader's.

    Parameters
    ----------
    reader : from the session, never from the request.
    task : one of `radstudy.app.reading.roster.TASKS`.
    id : the pseudonym.
    """

    reader: str
    task: str
    id: str


@dataclass(frozen=True, eq=False)
class SentStroke:
    """A stroke as a page sends it; its runs are numbers in the right ranges, the grid is the room's to check.

    Parameters
    ----------
    sequence : on which it was drawn.
    revision : how many strokes the page knows.
    tool : what drew it.
    runs : int64 (n, 3), start, length and code.
    view : settings of the display.
    """

    sequence: str
    revision: int
    tool: str
    runs: NDArray[np.int64]
    view: Json = field(default_factory=dict)


@dataclass(frozen=True)
class SentAnswers:
    """Answers that a page sends.

    Parameters
    ----------
    revision : that the page knows.
    values : item to answer.
    per_sequence : sequence to visible, evaluable, reason and quality.
    """

    revision: int
    values: Json
    per_sequence: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class ComputeRequest:
    """An operation on the mask of which the page wants a preview.

    Parameters
    ----------
    sequence : whose mask.
    what : interpolate, smooth, islands, holes or grow.
    options : of the operation.
    revision : how many strokes the page knows.
    """

    sequence: str
    what: str
    options: Json
    revision: int


# --- what the room gives --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageFile:
    """One image of a case; paths and names of files never leave the server.

    Parameters
    ----------
    sequence : a sequence of the study, or a phase found beside them.
    file : the image.
    reference : mask of the reference tissue, where the preparation needs one.
    of_study : whether it is one of the study's sequences, on which is drawn; else a phase for cine and curves alone.
    unit : of the intensities, "" for arbitrary units.
    seconds : since the first phase of its series; None where that is not known.
    """

    sequence: str
    file: Path
    reference: Path | None = None
    of_study: bool = True
    unit: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class CaseImages:
    """All images of a case.

    Parameters
    ----------
    images : the study's sequences in its order, then further phases.
    """

    images: tuple[ImageFile, ...]

    def named(self, sequence: str) -> ImageFile:
        """The image of a sequence or phase.

        Raises
        ------
        UnknownError : the case has none of this name.
        """
        image = next((one for one in self.images if one.sequence == sequence), None)
        if image is None:
            raise UnknownError("this case has no such sequence")
        return image


class LinkStore(Protocol):
    """Storage of personal links from one start of the server to the next."""

    def links(self) -> Sequence[PersonalLink]:
        """All links, revoked ones too, in the order in which they were made."""
        ...

    def add_link(self, link: PersonalLink) -> None:
        """Keep a new link."""
        ...

    def revoke_link(self, link_id: str, at: str) -> None:
        """Mark a link as revoked; one that is unknown or revoked already stays as it is."""
        ...


class ReadingRoom(Protocol):
    """The reading room of one study, whatever the transport. Errors that a page understands are `RequestError`."""

    @property
    def study(self) -> str:
        """The study's title, as readers see it."""
        ...

    @property
    def links(self) -> LinkStore:
        """The storage of personal links."""
        ...

    def tasks_of(self, reader: str) -> tuple[str, ...]:
        """The tasks of a reader, in the order in which they are offered; none for a stranger."""
        ...

    def readers(self) -> tuple[str, ...]:
        """All readers, the arbiter too."""
        ...

    def progress_of(self, reader: str) -> Sequence[Json]:
        """``{task, closed, total}`` of each task of a reader."""
        ...

    def still_reads(self, reader: str) -> bool:
        """True if the reader has cases that are not closed: agreement is then hidden."""
        ...

    def worklist(self, reader: str, task: str) -> Json:
        """``{cases, next}``."""
        ...

    def open_case(self, case: CaseAddress, *, tab: str, take: bool) -> Json:
        """The case document but for its ``sequences``; ConflictError with ``held`` if another tab has it."""
        ...

    def images(self, case: CaseAddress) -> CaseImages:
        """The images of a case of this reader."""
        ...

    def stroke(self, case: CaseAddress, tab: str, stroke: SentStroke) -> int:
        """Store a stroke; the new revision. ConflictError with ``revision`` and ``runs`` if the page is behind."""
        ...

    def compute(self, case: CaseAddress, request: ComputeRequest) -> Sequence[Sequence[int]]:
        """The runs that the operation would put, as a preview: nothing is stored."""
        ...

    def save_answers(self, case: CaseAddress, tab: str, answers: SentAnswers) -> int:
        """Store answers; the new revision."""
        ...

    def lock_answers(self, case: CaseAddress, tab: str) -> Json:
        """Lock the first answers; then ``{locked, frozen, first, hidden, others}``, as in the case document."""
        ...

    def lesion(self, case: CaseAddress) -> tuple[str, NDArray[np.bool_]]:
        """Sequence and mask (I, J, K) of the lesion as this reader may see it; UnknownError if there is none."""
        ...

    def close_case(self, case: CaseAddress, tab: str) -> Json:
        """Close: ``{closed, measures}``; IncompleteError with ``missing``: of each ``{what, text, item, sequence}``."""
        ...

    def skip_case(self, case: CaseAddress, tab: str) -> None:
        """Put the case at the end of the worklist."""
        ...

    def pause_case(self, case: CaseAddress, tab: str) -> None:
        """Release the tab."""
        ...

    def lead_progress(self) -> Json:
        """Progress of every reader by task (``readers``), begun ``cases``, ``lesions``, and problems with images."""
        ...

    def lead_agreement(self) -> Json:
        """Dice, volumes, kappa and ICC of first locked answers; nothing of outcomes."""
        ...

    def lead_disagreements(self) -> Json:
        """The cases on which readers differ."""
        ...

    def reopen(
        self, *, reader: str, task: str, patient: str, lesion: str, reason: str, repeat: bool = False
    ) -> Json:  # fmt: skip
        """Open a closed case again, with a reason."""
        ...

    def begin_anew(
        self, *, reader: str, patient: str, lesion: str, sequence: str, reason: str, repeat: bool = False
    ) -> Json:  # fmt: skip
        """Have a lesion drawn anew on a sequence whose image was replaced, with a reason."""
        ...

    def note_outcomes_opened(self, *, reader: str, detail: str) -> Json:
        """Note that a reader has learned outcomes; it stays, and the methods name the reader."""
        ...

    def lesion_of_study(self, *, patient: str, lesion: str) -> tuple[Json, CaseImages]:
        """``{target, arrow}`` of a lesion, and its images, for the lead who points at it; UnknownError without one."""
        ...

    def place_arrow(self, *, patient: str, lesion: str, ras: tuple[float, float, float] | None) -> Json:
        """Point at the target lesion for all readers alike, or take the arrow away."""
        ...

    def export(self) -> Json:
        """Write the record of all closed cases."""
        ...

    def take_in(self, *, reader: str, patient: str, lesion: str, sequence: str, file: Path) -> Json:
        """Take in a mask drawn elsewhere as a reader's; the file is removed by the caller."""
        ...

    def shut(self) -> None:
        """Close the storage; nothing is called after that."""
        ...
