"""Two readers' answers made one: what they agree on, what is averaged, and what a third reader decides.

The final value is for the study's tables. Agreement between readers (kappa, ICC) is never computed from it, but from
what each reader had answered first, alone (`paired_answers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from radstudy.app.reading.forms import FormItem, Values
from radstudy.app.reading.roster import Lesion, generator_for
from radstudy.artefacts.reading import NOT_ASSESSABLE

Source = Literal["agreed", "averaged", "arbitrated", "alone", "unresolved"]
Limits = Mapping[str, float]


@dataclass(frozen=True)
class FinalValue:
    """The value of one item of one lesion, and where it comes from.

    Parameters
    ----------
    value : a level, a number, `NOT_ASSESSABLE`, or None where it is unresolved.
    source : the readers agreed, their numbers were averaged, the arbiter decided, one reader alone has assessed it, or
        they differ (or were not asked) and nobody has decided yet.
    """

    value: str | float | None
    source: Source


def judged(form: Sequence[FormItem]) -> tuple[FormItem, ...]:
    """The items that get one final value: levels and numbers, not the likelihood and not the comment."""
    return tuple(item for item in form if item.kind in ("level", "number"))


def disputed(form: Sequence[FormItem], answers: Sequence[Values], limits: Limits) -> tuple[str, ...]:
    """The items that are arbitrated: levels that differ, and numbers that differ by more than their limit.

    Parameters
    ----------
    form : the items.
    answers : each reader's; an item that the study file asks only since they were closed is missing in them.
    limits : item to the difference above which a number is arbitrated; a number without one is always averaged.
    """
    return tuple(item.name for item in judged(form) if _differ(item, [one.get(item.name) for one in answers], limits))


def final_values(
    form: Sequence[FormItem], answers: Sequence[Values], limits: Limits, arbiter: Values | None = None
) -> dict[str, FinalValue]:
    """The final value of each item.

    Parameters
    ----------
    form, answers, limits : see `disputed`; of a single reader the values are final as they are.
    arbiter : the third reader's final answers to the disputed items; None while there are none.

    Raises
    ------
    ValueError : nobody has answered.
    """
    if not answers:
        raise ValueError("no reader has answered")
    return {item.name: _final(item, [one.get(item.name) for one in answers], limits, arbiter) for item in judged(form)}


def lesions_to_arbitrate(
    form: Sequence[FormItem], answers: Mapping[Lesion, Mapping[str, Values]], readers: Sequence[str], limits: Limits
) -> dict[Lesion, tuple[str, ...]]:
    """The lesions that wait for the arbiter, each with the disputed items.

    Parameters
    ----------
    form, limits : see `disputed`.
    answers : lesion to reader to complete answers, of closed cases.
    readers : whose answers are compared; a lesion that one of them has not closed does not wait yet.
    """
    complete = {lesion: of_lesion for lesion, of_lesion in answers.items() if all(one in of_lesion for one in readers)}
    items = {
        lesion: disputed(form, [of_lesion[one] for one in readers], limits) for lesion, of_lesion in complete.items()
    }
    return {lesion: names for lesion, names in items.items() if names}


def order_of_others(seed: int, patient: str, lesion: str, count: int = 2) -> tuple[int, ...]:
    """In which order the arbiter sees the readers' answers of a lesion, drawn by the seed: nobody is always A."""
    drawn = generator_for(seed, "order of others", patient, lesion).permutation(count)
    return tuple(int(number) for number in drawn)


def paired_answers(
    item: FormItem, first: Mapping[Lesion, Mapping[str, Values]], readers: Sequence[str]
) -> tuple[tuple[Lesion, ...], tuple[tuple[Any, ...], ...]]:
    """The lesions that every reader could judge, and each one's answers in the readers' order, for kappa or ICC.

    Parameters
    ----------
    item : of the form.
    first : lesion to reader to first locked answers (`Storage.first_answers`).
    readers : whose agreement it is.
    """
    rows = []
    for lesion in sorted(first):
        given = [first[lesion].get(reader, {}).get(item.name) for reader in readers]
        if all(value is not None and value != NOT_ASSESSABLE for value in given):
            rows.append((lesion, tuple(given)))
    return tuple(lesion for lesion, _ in rows), tuple(values for _, values in rows)


def _final(item: FormItem, values: Sequence[Any], limits: Limits, arbiter: Values | None) -> FinalValue:
    if all(value is None for value in values):
        return FinalValue(None, "unresolved")
    if len(values) == 1:
        return FinalValue(values[0], "alone")
    if _differ(item, values, limits):
        decided = None if arbiter is None else arbiter.get(item.name)
        return FinalValue(decided, "unresolved" if decided is None else "arbitrated")
    if all(value == values[0] for value in values):
        return FinalValue(values[0], "agreed")
    return FinalValue(float(sum(map(_exact, values)) / len(values)), "averaged")


def _differ(item: FormItem, values: Sequence[Any], limits: Limits) -> bool:
    """True if readers differ so much that a third one has to decide."""
    if item.kind == "level" or NOT_ASSESSABLE in values or None in values:
        return any(value != values[0] for value in values)
    numbers = [_exact(value) for value in values]
    return item.name in limits and max(numbers) - min(numbers) > _exact(limits[item.name])


def _exact(number: float) -> Decimal:
    """The number as it was typed: 2.1 - 1.6 is 0.5, which in binary is a little more."""
    return Decimal(repr(number))
