"""The decision on one volume of an examination, and the facts that the rules (roles.yaml) may test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from radstudy.intake.rules import Rules, Score, Subject, subject_of
from radstudy.intake.series import Series, Stack

ROLE, LEFT_OUT, REVIEW, REFUSED = "role", "left out", "review", "refused"


@dataclass(frozen=True, eq=False)
class Decision:
    """The decision on one volume.

    Parameters
    ----------
    series, stack : the volume.
    status : "role" (written under its role), "left out", "review" (written as unsure) or "refused" (cannot be written).
    kind : T2WI, DWI, DCE, T1WI, or the kind as which it was left out; "" if no rule applies.
    role : T2WI, DWI_b1000, DCE1 ...; "" without one.
    points : points of the best kind.
    evidence : evidence for the kind.
    reason : why it is for review, or refused.
    seconds : time since the first phase began, for phases.
    orders : for a volume that may be a phase: the volumes of its scan in each order given by a tag, first phase first;
        only one if the tags agree.
    """

    series: Series
    stack: Stack
    status: str
    kind: str = ""
    role: str = ""
    points: int = 0
    evidence: tuple[str, ...] = ()
    reason: str = ""
    seconds: float | None = None
    orders: tuple[tuple[Stack, ...], ...] = ()

    @property
    def suggested(self) -> str:
        """The role of a phase by the order of its scan if exactly one order is known, otherwise ""."""
        return f"DCE{self.orders[0].index(self.stack) + 1}" if len(self.orders) == 1 else ""


def volume_subject(series: Series, stack: Stack) -> Subject:
    """The facts of a volume and its series that rules may test."""
    b_values = [other.b_value for other in series.stacks if other.b_value is not None]
    alike = [other for other in series.stacks if other.phase is not None and other.b_value == stack.b_value]
    return subject_of(
        stack.facts,
        b_max=max(b_values) if b_values else None,
        phases=_phase_number(series, stack, len(alike)),
        images=len(stack.frames) if stack.grid is not None or len(stack.frames) > 1 else series.images,
    )


def _phase_number(series: Series, stack: Stack, alike: int) -> float | None:
    """Number of phases in the series; None if only a listing is available."""
    if series.listed is not None:
        return None
    return max(alike, 1) if stack.phase is not None else 1


def why_unsure(scores: Sequence[Score], rules: Rules) -> str:
    """Explain why the best score does not decide."""
    best = scores[0]
    if best.points < rules.sure:
        return f"perhaps {best.kind}, but with {best.points} of the {rules.sure} points required"
    near = [score for score in scores[1:] if best.points - score.points < rules.lead]
    others = ", ".join(f"{score.kind} {score.points}" for score in near)
    return f"{best.kind} has {best.points} points, but other kinds are close: {others}"


def one_each(decisions: list[Decision], role_of: Callable[[Decision], str]) -> list[Decision]:
    """Give each role to the only volume that fits it; if several fit, they go to review."""
    fits: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        if decision.status == ROLE:
            fits[role_of(decision)].append(decision)
    out = [decision for decision in decisions if decision.status != ROLE]
    for role, candidates in fits.items():
        reason = "" if len(candidates) == 1 else f"{len(candidates)} volumes fit {role} ({series_shown(candidates)})"
        status = REVIEW if reason else ROLE
        out += [replace(d, role="" if reason else role, status=status, reason=reason) for d in candidates]
    return out


def series_shown(decisions: Sequence[Decision]) -> str:
    """The series numbers of volumes, for messages."""
    numbers = sorted({str(d.series.facts.series_number or "?") for d in decisions}, key=lambda text: (len(text), text))
    shown = ", ".join(numbers[:8]) + (" ..." if len(numbers) > 8 else "")
    return f"series {shown}"
