"""Forms: the items from the codebook, each sequence's visibility, and the check for what is missing.

A form is filled in twice: first alone, then, where the study computes something, with the computed value beside it.
What counts for agreement is the first answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from radstudy.artefacts.reading import NOT_ASSESSABLE
from radstudy.cohort.plausible import range_of
from radstudy.errors import RefusedError, StudyFileError
from radstudy.protocol.reading import COMMENT, LIKELIHOOD, items_of
from radstudy.protocol.sections import Protocol

LONGEST_TEXT = 5000  # letters of a comment or reason
QUALITY = (1, 5)  # of an image: not usable to excellent

ItemKind = Literal["level", "number", "likelihood", "text"]
Values = Mapping[str, Any]


class AnswersError(RefusedError):
    """Answers that are not answers to this form; nothing was stored."""


@dataclass(frozen=True)
class FormItem:
    """One item of a form.

    Parameters
    ----------
    name : its key among the answers.
    label : how it is called; of the likelihood the group whose likelihood is asked.
    kind : one of the levels, a number, a likelihood from 0 to 100, or free text.
    levels : to choose from, in the codebook's order.
    unit, range : of a number; range None: any.
    definition : short, shown beside it.
    required : has to be answered before closing.
    computed : the study computes this too, and shows it once the reader's own answer is locked.
    """

    name: str
    label: str
    kind: ItemKind
    levels: tuple[str, ...] = ()
    unit: str = ""
    range: tuple[float, float] | None = None
    definition: str = ""
    required: bool = True
    computed: bool = False

    def document(self) -> dict[str, Any]:
        """The item as JSON; ``not_assessable`` is the answer for what cannot be judged, None where there is none.

        A codebook that lists it among its levels has it there, once.
        """
        word = NOT_ASSESSABLE if self.kind in ("level", "number") and NOT_ASSESSABLE not in self.levels else None
        return {**asdict(self), "not_assessable": word}


@dataclass(frozen=True)
class FormProblem:
    """A missing or wrong answer.

    Parameters
    ----------
    what : missing, or wrong.
    text : for the reader.
    item, sequence : where; "" where it is neither.
    """

    what: Literal["missing", "wrong"]
    text: str
    item: str = ""
    sequence: str = ""


@dataclass(frozen=True)
class SequenceAnswer:
    """A reader's judgement of one sequence of a case; None: not given yet.

    Parameters
    ----------
    visible : whether the lesion is seen on it.
    evaluable : whether the image can be judged at all.
    reason : why not.
    quality : of the image, 1 to 5.
    """

    visible: bool | None = None
    evaluable: bool | None = None
    reason: str = ""
    quality: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SequenceAnswer:
        """The answer that a page has sent.

        Raises
        ------
        AnswersError : it is not one.
        """
        if unknown := set(given) - {"visible", "evaluable", "reason", "quality"}:
            raise AnswersError(f"a sequence has no '{min(unknown)}'")
        visible, evaluable, quality = (given.get(name) for name in ("visible", "evaluable", "quality"))
        reason = given.get("reason") or ""
        if not all(flag is None or isinstance(flag, bool) for flag in (visible, evaluable)):
            raise AnswersError("visible and evaluable are true, false or null")
        if not isinstance(reason, str) or len(reason) > LONGEST_TEXT:
            raise AnswersError(f"the reason is a text of at most {LONGEST_TEXT} letters")
        whole = isinstance(quality, int) and not isinstance(quality, bool)
        if quality is not None and not (whole and QUALITY[0] <= quality <= QUALITY[1]):
            raise AnswersError(f"the image quality is a whole number from {QUALITY[0]} to {QUALITY[1]}")
        return cls(visible, evaluable, reason, quality)

    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        return asdict(self)


def form_of(protocol: Protocol, task: str, items: Sequence[str] | None = None) -> tuple[FormItem, ...]:
    """The items of a task's form.

    Parameters
    ----------
    protocol : the study's.
    task : masks (a comment only), characteristics, or arbitration.
    items : of arbitration, those on which the readers differ; None: all.

    Raises
    ------
    StudyFileError : a variable is called as something that the form asks itself.
    """
    comment = FormItem(COMMENT, "", "text", required=False)
    if task == "masks":
        return (comment,)
    names = items_of(protocol.reading, protocol.cohort)
    if own := {LIKELIHOOD, COMMENT} & set(names):
        raise StudyFileError(
            f"the form asks '{min(own)}' itself, and the study has a variable of this name. To do: list the others in "
            "reading.characteristics.items"
        )
    every = (_item(protocol, name) for name in names)
    if task == "arbitration":
        return (*(item for item in every if items is None or item.name in items), comment)
    outcome = protocol.cohort.outcome
    group = outcome.labels[1] if outcome.labels else f"{outcome.label or outcome.column}: {outcome.positive}"
    likelihood = FormItem(LIKELIHOOD, group, "likelihood", unit="%", range=(0.0, 100.0))
    return (*every, *([likelihood] if protocol.reading.characteristics.likelihood else []), comment)


def _item(protocol: Protocol, name: str) -> FormItem:
    variable, section = protocol.cohort.clinical[name], protocol.reading.characteristics
    more: dict[str, Any] = {
        "definition": section.definitions.get(name, ""),
        "computed": name in section.hidden,
    }
    label = variable.label or name
    if variable.levels is not None:
        return FormItem(name, label, "level", levels=variable.levels, **more)
    return FormItem(name, label, "number", unit=variable.unit, range=range_of(variable), **more)


def accepted(form: Sequence[FormItem], values: Values) -> dict[str, Any]:
    """Answers as they may be kept while the form is filled in; those that were taken back (null, "") are left out.

    Raises
    ------
    AnswersError : an answer to something that is not asked, or not a short text or a number.
    """
    names = {item.name for item in form}
    kept = {}
    for name, value in values.items():
        if name not in names:
            raise AnswersError(f"'{name[:40]}' is not asked in this form")
        if isinstance(value, bool) or not (value is None or isinstance(value, str | int | float)):
            raise AnswersError(f"the answer to '{name}' is a text or a number")
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise AnswersError(f"the answer to '{name}' is longer than {LONGEST_TEXT} letters. To do: shorten it")
        if not isinstance(value, str) and value is not None and not abs(value) < 1e15:
            raise AnswersError(f"the answer to '{name}' is not a number that can be kept")
        if value not in (None, ""):
            kept[name] = value
    return kept


def accepted_sequences(sequences: Sequence[str], given: Mapping[str, Any]) -> dict[str, SequenceAnswer]:
    """Judgements of the sequences of a case, as a page sent them, in their order.

    Raises
    ------
    AnswersError : a sequence that the case does not have, or what is no answer.
    """
    for name, answer in given.items():
        if name not in sequences:
            raise AnswersError(f"this case has no sequence '{name[:40]}'")
        if not isinstance(answer, Mapping):
            raise AnswersError(f"what is said of {name} is not visible, evaluable, reason and quality")
    return {name: SequenceAnswer.of(given[name]) for name in sequences if name in given}


def problems_of_values(form: Sequence[FormItem], values: Values) -> tuple[FormProblem, ...]:
    """List what is missing or wrong in the answers to a form, in its order."""
    problems = (_problem(item, values.get(item.name)) for item in form)
    return tuple(problem for problem in problems if problem is not None)


def _problem(item: FormItem, value: Any) -> FormProblem | None:
    label = item.label or item.name
    if value is None or (isinstance(value, str) and not value.strip()):
        return FormProblem("missing", f"{label} is not answered", item.name) if item.required else None
    if item.kind == "text" or (value == NOT_ASSESSABLE and item.kind in ("level", "number")):
        return None
    if item.kind == "level":
        listed = ", ".join(item.levels)
        return None if value in item.levels else FormProblem("wrong", f"{label}: choose one of {listed}", item.name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return FormProblem("wrong", f"{label}: give a number", item.name)
    if item.range is not None and not item.range[0] <= value <= item.range[1]:
        unit = f" {item.unit}" if item.unit else ""
        limits = f"{item.range[0]:g} to {item.range[1]:g}{unit}"
        return FormProblem("wrong", f"{label} is {value:g}{unit}; possible is {limits}", item.name)
    return None


def problems_of_sequences(
    sequences: Sequence[str], answers: Mapping[str, SequenceAnswer], drawn: Mapping[str, int] | None = None
) -> tuple[FormProblem, ...]:
    """List what is missing or contradictory in the judgements of the sequences.

    Parameters
    ----------
    sequences : of the case.
    answers : sequence to what the reader says of it.
    drawn : sequence to voxels of the lesion's mask; None: nothing is drawn in this task, and nothing has to be said.
    """
    problems = []
    for name in sequences:
        answer = answers.get(name, SequenceAnswer())
        if drawn is not None:
            problems += _unsaid(name, answer)
            problems += _against_drawing(name, answer, drawn.get(name, 0))
        if answer.evaluable is False and not answer.reason.strip():
            problems.append(FormProblem("missing", f"{name}: say why it cannot be evaluated", sequence=name))
    return tuple(problems)


def _unsaid(name: str, answer: SequenceAnswer) -> list[FormProblem]:
    """List the required judgements: whether the image can be judged, its quality, and whether the lesion is seen."""
    unsaid = {
        "whether it can be evaluated": answer.evaluable is None,
        "whether the lesion is visible": answer.visible is None and answer.evaluable is not False,
        f"the image quality, {QUALITY[0]} to {QUALITY[1]}": answer.quality is None,
    }
    return [
        FormProblem("missing", f"{name}: say {what}", sequence=name) for what, is_unsaid in unsaid.items() if is_unsaid
    ]


def _against_drawing(name: str, answer: SequenceAnswer, voxels: int) -> list[FormProblem]:
    to_be_drawn = bool(answer.visible) and answer.evaluable is not False
    if to_be_drawn and not voxels:
        return [FormProblem("missing", f"{name}: the lesion is visible, but not drawn", sequence=name)]
    if voxels and (answer.visible is False or answer.evaluable is False):
        why = "not visible" if answer.visible is False else "not to be evaluated"
        text = f"{name}: {voxels} voxels are drawn, but the lesion is {why}. Erase them, or change the answer"
        return [FormProblem("wrong", text, sequence=name)]
    return []
