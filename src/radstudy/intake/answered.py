"""A reader's answers applied to an examination, with what they decide for other volumes.

A volume that a reader has decided on no longer blocks others: once the subtraction is left out, the phases on its grid
are certain. The role of one phase decides its whole scan if the order of the scan is known, or if exactly one of its
possible orders fits the answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from radstudy.intake.decision import LEFT_OUT, REFUSED, REVIEW, ROLE, Decision
from radstudy.intake.dynamic import seconds_in_order
from radstudy.intake.review import NO_SERIES, NOT_WANTED
from radstudy.intake.roles import decide_study
from radstudy.intake.rules import Rules
from radstudy.intake.series import Series, Stack

_PHASE = re.compile(r"DCE([1-9]\d*)")


def decide_with_answers(
    series: Sequence[Series],
    rules: Rules,
    answers: Mapping[Stack, str],
    *,
    look: Callable[[list[Decision]], list[Decision]] = lambda decisions: decisions,
) -> list[Decision]:
    """Decide on every volume of one examination, given a reader's answers on some of them.

    Parameters
    ----------
    series, rules : as for `decide_study`.
    answers : volume to its role; "-" leaves it out, "--" leaves out all undecided volumes of its series.
    look : revises the decisions by the pixels.
    """
    alone = look(decide_study(series, rules))
    answers = {d.stack: answers[d.stack] for d in alone if d.stack in answers and _can_be_answered(d)}
    if not answers:
        return alone
    answers = _whole_series(alone, answers)
    then = {decision.stack: decision for decision in look(decide_study(series, rules, without=set(answers)))}
    decided = [
        _given(d, answers[d.stack]) if d.stack in answers
        else _released(d, answers, then) if d.status == REVIEW else d
        for d in alone
    ]  # fmt: skip
    return _timed(decided)


def _can_be_answered(decision: Decision) -> bool:
    return decision.status != REFUSED and decision.stack.grid is not None


def _whole_series(decisions: Sequence[Decision], answers: Mapping[Stack, str]) -> dict[Stack, str]:
    """Write out the answers that apply to a whole series."""
    whole = [d.series for d in decisions if answers.get(d.stack) == NO_SERIES]
    left = {
        d.stack: NOT_WANTED
        for d in decisions
        if any(d.series is one for one in whole) and d.status == REVIEW and _can_be_answered(d)
    }
    return {**left, **{stack: NOT_WANTED if role == NO_SERIES else role for stack, role in answers.items()}}


def _given(decision: Decision, answer: str) -> Decision:
    if answer == NOT_WANTED:
        return replace(decision, status=LEFT_OUT, role="", reason="left out by a reader")
    return replace(decision, status=ROLE, role=answer, reason="", evidence=("role given by a reader",))


def _released(decision: Decision, answers: Mapping[Stack, str], then: Mapping[Stack, Decision]) -> Decision:
    """Decide on an undecided volume by the answers on other volumes."""
    scan = decision.orders[0] if decision.orders else ()
    numbers = {stack: int(match.group(1)) for stack in scan if (match := _PHASE.fullmatch(answers.get(stack, "")))}
    if numbers:
        return _by_its_scan(decision, answers, numbers)
    now = then.get(decision.stack, decision)
    if now.status != ROLE:
        return now
    together = [then[stack].role for stack in now.orders[0] if stack in then] if now.orders else [now.role]
    taken = sorted(set(together) & set(answers.values()))
    if taken:
        return replace(decision, reason=f"{taken[0]} was given to another volume by a reader; {decision.reason}")
    return replace(now, evidence=(*now.evidence, "certain since a reader decided on another volume"))


def _by_its_scan(decision: Decision, answers: Mapping[Stack, str], numbers: Mapping[Stack, int]) -> Decision:
    """Number a phase by the numbers that a reader gave to other phases of its scan."""
    fitting = []
    for order in decision.orders:
        kept = [stack for stack in order if answers.get(stack) != NOT_WANTED]
        shifts = {number - kept.index(stack) for stack, number in numbers.items()}
        if len(shifts) == 1 and (min(shifts) == 1 or (len(decision.orders) == 1 and min(shifts) > 1)):
            fitting.append(kept.index(decision.stack) + min(shifts))
    if len(fitting) != 1:
        reason = (
            f"the numbers given to phases of this scan fit {len(fitting) or 'none'} of its orders; {decision.reason}"
        )
        return replace(decision, reason=reason)
    role = f"DCE{fitting[0]}"
    if role in answers.values():
        return replace(decision, reason=f"{role} was given to another volume by a reader; {decision.reason}")
    evidence = (
        *decision.evidence,
        *decision.stack.evidence,
        "by its position in a scan in which a reader numbered a phase",
    )
    return replace(decision, status=ROLE, kind="DCE", role=role, reason="", evidence=evidence)


def _timed(decisions: Sequence[Decision]) -> list[Decision]:
    """Set the times of the phases since the first one, in the order of their present roles."""
    phases = {
        int(match.group(1)): d.stack
        for d in decisions
        if d.status == ROLE and (match := _PHASE.fullmatch(d.role)) and d.stack.grid is not None
    }
    if len(phases) < 2:
        return list(decisions)
    ordered = [phases[number] for number in sorted(phases)]
    seconds = dict(zip(ordered, seconds_in_order(ordered), strict=True))
    return [replace(d, seconds=seconds[d.stack]) if d.stack in seconds else d for d in decisions]
