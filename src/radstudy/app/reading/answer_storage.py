"""Answers in the reading room's database: saved, locked first, and closed with what was drawn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radstudy.app.reading import stored_answers, stored_masks
from radstudy.app.reading.case_storage import CaseStorage, StoredCase, is_frozen, stored_case
from radstudy.app.reading.forms import FormProblem, SequenceAnswer, Values
from radstudy.app.reading.refusals import BehindError, LockedAnswersError, UnfinishedError
from radstudy.app.reading.roster import Assignment, Lesion, Task
from radstudy.app.reading.stored_answers import Stage, StoredAnswers
from radstudy.app.reading.stored_cases import ReaderCase, assignments_of, states_of


@dataclass(frozen=True)
class CaseContent:
    """Content of a case when it is closed or its answers are locked.

    Parameters
    ----------
    answers : as stored.
    voxels : sequence to voxels of its mask, of those on which something was drawn.
    """

    answers: StoredAnswers
    voxels: Mapping[str, int]


Check = Callable[[CaseContent], Sequence[FormProblem]]


class AnswerStorage(CaseStorage):
    """The part of `Storage` that keeps what is answered, and closes cases."""

    def save_answers(
        self, case: ReaderCase, tab: str, revision: int, values: Values, per_sequence: Mapping[str, SequenceAnswer]
    ) -> int:
        """Store answers; the new revision.

        Parameters
        ----------
        case, tab : of the request.
        revision : how many times the sender knows that they were saved.
        values : of `radstudy.app.reading.forms.accepted`.
        per_sequence : sequence to what is said of it.

        Raises
        ------
        BehindError : others were saved meanwhile; carries them.
        LockedAnswersError : the first answers are locked, and these change them.
        """
        with self._changing(case, tab) as (connection, one):
            stored = stored_answers.answers_at(connection, one.id)
            if revision != stored.revision:
                text = "the answers were changed in another tab or on another computer"
                raise BehindError(text, stored.revision, values=dict(stored.values))
            if is_frozen(connection, one) and _without_comment(values) != _without_comment(stored.values):
                raise LockedAnswersError(
                    f"the answers of {one.id} are locked, so that they stay as they were before anything was shown"
                )
            return stored_answers.save(connection, one.id, values, per_sequence, self._now())

    def lock_first(self, case: ReaderCase, tab: str, check: Check) -> StoredAnswers:
        """Lock the first answers and give them; those that are locked already are given again.

        Raises
        ------
        UnfinishedError : `check` says what is missing or wrong.
        """
        with self._changing(case, tab) as (connection, one):
            locked = stored_answers.stage_of(connection, one.id, "first")
            if locked is not None:
                return locked
            _require(check, connection, one)
            stored_answers.end_stage(connection, one.id, "first", {}, self._now())
            self._note(connection, one, "first answers locked")
            return stored_answers.answers_at(connection, one.id)

    def close_case(self, case: ReaderCase, tab: str, check: Check) -> StoredCase:
        """Close a case; what it holds at its first closing is the first answer, unless that was locked before.

        Raises
        ------
        UnfinishedError : `check` says what is missing or wrong, or the first answers are not locked yet.
        """
        with self._changing(case, tab) as (connection, one):
            content = _require(check, connection, one)
            revisions = {name: stored_masks.revision_of(connection, one.id, name) for name in content.voxels}
            if stored_answers.stage_of(connection, one.id, "first") is None:
                if one.task != "masks":
                    raise UnfinishedError([FormProblem("missing", "lock your answers before closing the case")])
                stored_answers.end_stage(connection, one.id, "first", revisions, self._now())
            number = stored_answers.end_stage(connection, one.id, "final", revisions, self._now())
            connection.execute("DELETE FROM tabs WHERE case_id = ?", (one.id,))
            update = "UPDATE assignments SET status = 'closed', closed_at = ?, exported_at = NULL WHERE id = ?"
            connection.execute(update, (self._now(), one.id))
            drawn = ", ".join(f"{name} {voxels} voxels" for name, voxels in sorted(content.voxels.items()))
            self._note(connection, one, "closed" if number == 1 else f"closed again ({number})", drawn)
            return stored_case(connection, one)

    def first_answers(self, task: Task) -> dict[Lesion, dict[str, StoredAnswers]]:
        """Lesion to reader to the first locked answers, of cases that were closed: kappa and ICC are of these.

        Practice and repeats are left out.
        """
        return self._answers(task, "first", repeat=False)

    def final_answers(self, task: Task, *, reopened: bool = False) -> dict[Lesion, dict[str, StoredAnswers]]:
        """Lesion to reader to the answers with which a case was closed last.

        Parameters
        ----------
        task : which.
        reopened : with those that are open again.
        """
        return self._answers(task, "final", repeat=False, reopened=reopened)

    def repeated_answers(self, task: Task) -> dict[Lesion, dict[str, StoredAnswers]]:
        """Lesion to reader to the first answers of the second reading."""
        return self._answers(task, "first", repeat=True)

    def _answers(
        self, task: Task, stage: Stage, *, repeat: bool, reopened: bool = False
    ) -> dict[Lesion, dict[str, StoredAnswers]]:
        by_lesion: dict[Lesion, dict[str, StoredAnswers]] = {}
        with self._database.reading() as connection:
            states = states_of(connection)
            for one in assignments_of(connection):
                if one.task != task or one.practice or one.repeat != repeat or states[one.id].closed is None:
                    continue
                answers = stored_answers.stage_of(connection, one.id, stage)
                if answers is not None and (stage == "first" or reopened or states[one.id].status == "closed"):
                    by_lesion.setdefault((one.patient, one.lesion), {})[one.reader] = answers
        return by_lesion


def _require(check: Check, connection: sqlite3.Connection, one: Assignment) -> CaseContent:
    masks = stored_masks.masks_of(connection, one.id)
    voxels = {name: int(mask.runs[:, 1].sum()) for name, mask in masks.items()}
    content = CaseContent(stored_answers.answers_at(connection, one.id), voxels)
    if problems := check(content):
        raise UnfinishedError(problems)
    return content


def _without_comment(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "comment"}
