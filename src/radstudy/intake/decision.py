"""What becomes of one volume of an examination, and what the rules (roles.yaml) may ask of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from radstudy.intake.rules import Rules, Score, Subject, subject_of
from radstudy.intake.series import Series, Stack

ROLE, LEFT_OUT, REVIEW, REFUSED = "role", "left out", "review", "refused"


@dataclass(frozen=True, eq=False)
class Decision:
    """What becomes of one volume.

    Parameters
    ----------
    series, stack : the volume.
    status : "role" (written under its role), "left out", "review" (written as unsure) or "refused" (cannot be written).
    kind : T2WI, DWI, DCE, T1WI, or what it was left out as; "" where the rules do not know it.
    role : T2WI, DWI_b1000, DCE1 ...; "" without one.
    points : of the best kind.
    evidence : what speaks for the kind.
    reason : why it is for review, or refused.
    seconds : since the first phase began, for phases.
    orders : of a volume that may be a phase: the volumes of its scan in each order that a tag gives, first phase first;
        one where the tags agree.
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
        """The role of a phase by the order of its scan, where one order is known; "" else."""
        return f"DCE{self.orders[0].index(self.stack) + 1}" if len(self.orders) == 1 else ""


def volume_subject(series: Series, stack: Stack) -> Subject:
    """What rules may ask of a volume and its series."""
    b_values = [other.b_value for other in series.stacks if other.b_value is not None]
    alike = [other for other in series.stacks if other.phase is not None and other.b_value == stack.b_value]
    return subject_of(
        stack.facts,
        b_max=max(b_values) if b_values else None,
        phases=_phase_number(series, stack, len(alike)),
        images=len(stack.frames) if stack.grid is not None or len(stack.frames) > 1 else series.images,
    )


def _phase_number(series: Series, stack: Stack, alike: int) -> float | None:
    """Phases in the series; unknown where only a listing is at hand."""
    if series.listed is not None:
        return None
    return max(alike, 1) if stack.phase is not None else 1


def why_unsure(scores: Sequence[Score], rules: Rules) -> str:
    """Why the best score does not decide."""
    best = scores[0]
    if best.points < rules.sure:
        return f"perhaps {best.kind}, but {best.points} points of the {rules.sure} it needs"
    near = [score for score in scores[1:] if best.points - score.points < rules.lead]
    others = ", ".join(f"{score.kind} {score.points}" for score in near)
    return f"{best.kind} has {best.points} points, but {others} too"


def one_each(decisions: list[Decision], role_of: Callable[[Decision], str]) -> list[Decision]:
    """Give each role to the one volume that fits it; several that fit go to review."""
    fits: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        if decision.status == ROLE:
            fits[role_of(decision)].append(decision)
    out = [decision for decision in decisions if decision.status != ROLE]
    for role, found in fits.items():
        reason = "" if len(found) == 1 else f"{len(found)} volumes fit {role} ({series_shown(found)})"
        status = REVIEW if reason else ROLE
        out += [replace(d, role="" if reason else role, status=status, reason=reason) for d in found]
    return out


def series_shown(decisions: Sequence[Decision]) -> str:
    """The series numbers of volumes, for messages."""
    numbers = sorted({str(d.series.facts.series_number or "?") for d in decisions}, key=lambda text: (len(text), text))
    shown = ", ".join(numbers[:8]) + (" ..." if len(numbers) > 8 else "")
    return f"series {shown}"
