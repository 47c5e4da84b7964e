"""Which volume of an examination is what: T2WI, DWI at a b-value, a DCE phase; or left out; or for a reader to decide.

A role is given where the rules (roles.yaml) are sure and exactly one volume fits. Two volumes that fit one role, phases
whose order two tags dispute, a dynamic scan whose first phase may lie in another series: all go to review.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from radstudy.formats.dicom_series import same_grid
from radstudy.intake.dynamic import in_order, overlap, same_scan
from radstudy.intake.rules import Rules, Score, Subject, subject_of
from radstudy.intake.series import Series, Stack

ROLE, LEFT_OUT, REVIEW, REFUSED = "role", "left out", "review", "refused"
Alike = Callable[[Stack, Stack], bool]


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


def decide_study(series: Sequence[Series], rules: Rules, *, alike: Alike = same_scan) -> list[Decision]:
    """Decide on every volume of one examination.

    Parameters
    ----------
    series : the DICOM series of one study.
    rules : from `load_rules`.
    alike : whether two volumes may be phases of one scan; by default by grid and protocol.

    Returns
    -------
    One decision a volume, in the order of series numbers.
    """
    first = [_first_look(one, stack, rules) for one in series for stack in one.stacks]
    settled = [decision for decision, _ in first if decision is not None and decision.kind not in ("T2WI", "DWI")]
    named = [decision for decision, _ in first if decision is not None and decision.kind in ("T2WI", "DWI")]
    pool = [
        (one, stack) for (decision, _), (one, stack) in zip(first, _volumes(series), strict=True) if decision is None
    ]
    sets = _sets(pool, alike)
    dynamic = [_look_at_set(members, rules) for members in sets]
    decisions = [
        *settled,
        *_one_each([d for d in named if d.kind == "T2WI"], lambda _: "T2WI"),
        *_without_parts(_one_each([_with_b(d) for d in named if d.kind == "DWI"], _dwi_role)),
        *_dynamic_roles(dynamic),
    ]
    forced = [_forced(decision, rules) for decision in decisions]
    together = _phases_stand_together(forced)
    return sorted((_refusal(d) for d in together), key=_rank)


def _volumes(series: Iterable[Series]) -> list[tuple[Series, Stack]]:
    return [(one, stack) for one in series for stack in one.stacks]


def _rank(decision: Decision) -> tuple[float, float, int]:
    number = decision.series.facts.series_number
    b_value = decision.stack.b_value
    return (
        float("inf") if number is None else number,
        -1 if b_value is None else b_value,
        decision.stack.phase or 0,
    )


def _first_look(series: Series, stack: Stack, rules: Rules) -> tuple[Decision | None, Score | None]:
    """Left out, T2WI or DWI by the series alone; None where it may be a phase of a set."""
    subject = _subject(series, stack)
    held = [rule for rule in rules.left_out if rule.holds(subject)]
    if held:
        return Decision(series, stack, LEFT_OUT, held[0].kind, evidence=tuple(rule.says for rule in held)), None
    if len(stack.frames) == 1 and not stack.facts.mosaic and subject.numbers["images"] == 1:
        return Decision(series, stack, LEFT_OUT, "single image", evidence=("one image is no volume",)), None
    scores = rules.scores(subject, list(rules.roles))
    best = scores[0]
    if best.kind not in ("T2WI", "DWI") or best.points < rules.lead:
        return None, best
    decision = Decision(series, stack, ROLE, best.kind, points=best.points, evidence=best.evidence)
    if not rules.is_sure(scores):
        return replace(decision, status=REVIEW, reason=_unsure(scores, rules)), best
    return decision, best


def _subject(series: Series, stack: Stack) -> Subject:
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


def _unsure(scores: Sequence[Score], rules: Rules) -> str:
    best = scores[0]
    if best.points < rules.sure:
        return f"perhaps {best.kind}, but {best.points} points of the {rules.sure} it needs"
    near = [score for score in scores[1:] if best.points - score.points < rules.lead]
    others = ", ".join(f"{score.kind} {score.points}" for score in near)
    return f"{best.kind} has {best.points} points, but {others} too"


# --- one volume a role -------------------------------------------------------------------------------------------


def _one_each(decisions: list[Decision], role_of: Callable[[Decision], str]) -> list[Decision]:
    """Give each role to the one volume that fits it; several that fit go to review."""
    fits: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        if decision.status == ROLE:
            fits[role_of(decision)].append(decision)
    out = [decision for decision in decisions if decision.status != ROLE]
    for role, found in fits.items():
        reason = "" if len(found) == 1 else f"{len(found)} volumes fit {role} ({_numbers(found)})"
        status = REVIEW if reason else ROLE
        out += [replace(d, role="" if reason else role, status=status, reason=reason) for d in found]
    return out


def _numbers(decisions: Sequence[Decision]) -> str:
    numbers = sorted({str(d.series.facts.series_number or "?") for d in decisions}, key=lambda text: (len(text), text))
    shown = ", ".join(numbers[:8]) + (" ..." if len(numbers) > 8 else "")
    return f"series {shown}"


def _with_b(decision: Decision) -> Decision:
    """A DWI volume needs a b-value from its header, and to be an average over directions."""
    if decision.status != ROLE or decision.series.listed is not None:
        return decision
    evidence = (*decision.evidence, *decision.stack.evidence)
    if decision.stack.b_value is None:
        reason = "no tag gives a b-value"
    elif decision.stack.direction == "directional":
        reason = decision.stack.unsure or "one gradient direction, not a trace image"
    else:
        return replace(decision, evidence=evidence)
    return replace(decision, status=REVIEW, reason=reason, evidence=evidence)


def _without_parts(decisions: list[Decision]) -> list[Decision]:
    """Single gradient directions of a b-value whose trace image has a role are what that was made of."""
    traced = {d.role for d in decisions if d.status == ROLE and d.stack.direction == "isotropic"}
    return [
        replace(d, status=LEFT_OUT, kind="single directions", reason="", evidence=("its trace image is there",))
        if d.status == REVIEW and d.stack.direction == "directional" and _dwi_role(d) in traced
        else d
        for d in decisions
    ]


def _dwi_role(decision: Decision) -> str:
    b_value = decision.stack.b_value
    return "DWI" if b_value is None else f"DWI_b{round(b_value)}"


# --- dynamic scans -----------------------------------------------------------------------------------------------


def _sets(pool: list[tuple[Series, Stack]], alike: Alike) -> list[list[tuple[Series, Stack]]]:
    sets: list[list[tuple[Series, Stack]]] = []
    for one, stack in pool:
        for members in sets:
            if alike(members[0][1], stack):
                members.append((one, stack))
                break
        else:
            sets.append([(one, stack)])
    return sets


def _look_at_set(members: list[tuple[Series, Stack]], rules: Rules) -> list[Decision]:
    """Judge the volumes of one protocol on one grid together."""
    subjects = [_subject(one, stack) for one, stack in members]
    listed = members[0][0].listed is not None
    phases = None if listed and len(members) == 1 else float(len(members))
    names = "\n".join(dict.fromkeys(subject.name for subject in subjects))
    numbers = {**subjects[0].numbers, "phases": phases}
    contrast = any(subject.contrast for subject in subjects)
    scores = rules.scores(
        replace(subjects[0], name=names, numbers=numbers, contrast=contrast), [k for k in rules.roles if k != "DWI"]
    )
    best = scores[0]
    kind = best.kind if best.points >= rules.lead else ""
    reason = "" if rules.is_sure(scores) else _unsure(scores, rules) if kind else "no rule knows it"
    if not reason and kind == "DCE" and phases == 1:
        reason = "perhaps DCE, but one phase only"
    if not reason and kind == "DCE":
        reason = _without_first(members, names)
    status = REVIEW if reason else ROLE
    return [Decision(one, stack, status, kind, "", best.points, best.evidence, reason) for one, stack in members]


def _without_first(members: Sequence[tuple[Series, Stack]], names: str) -> str:
    """Why the phase before contrast may be lacking: every series is named after contrast, none before."""
    lines = names.splitlines()
    after = re.compile(r"\bPOST|\bGAD|\+C|(?<!NO )DELAY|\b[2-9](ND|RD|TH)\b|\d ?MIN")
    before = re.compile(r"\bPRE|PREPOST|NO ?CON|WITHOUT")
    apart = all(stack.phase is None for _, stack in members)
    if apart and all(after.search(line) for line in lines) and not any(before.search(line) for line in lines):
        return "all phases are named as after contrast; the phase before it is not among them"
    return ""


def _dynamic_roles(sets: list[list[Decision]]) -> list[Decision]:
    dynamic = [found for found in sets if found[0].kind == "DCE" and found[0].status == ROLE]
    others = [decision for found in sets if found not in dynamic for decision in found]
    plain = [d for d in others if d.kind in ("T1WI", "T2WI") and d.status == ROLE]
    rest = [d for d in others if d not in plain]
    if len(dynamic) > 1:
        reason = f"{len(dynamic)} sets of volumes look like the dynamic scan"
        listed = [replace(d, status=REVIEW, reason=reason) for found in dynamic for d in found]
    else:
        listed = [decision for found in dynamic for decision in _number(found, others)]
    return [*listed, *_one_each(plain, lambda decision: decision.kind), *rest]


def _number(found: list[Decision], rest: Sequence[Decision]) -> list[Decision]:
    """Phases in the order of their times; review where the order is not sure or another series may belong to them."""
    if found[0].series.listed is not None:
        return [replace(decision, role="DCE") for decision in found]
    strays = [d for d in rest if _may_be_a_phase(d, found[0].stack)]
    order = in_order([decision.stack for decision in found])
    reason = order.unsure or next((d.stack.unsure for d in found if d.stack.unsure), "")
    if strays and not reason:
        reason = f"{_numbers(strays)} on the same grid may be a phase too"
    grids = [d.stack.grid for d in found if d.stack.grid is not None]
    if not reason and any(not same_grid(grids[0], grid) for grid in grids):
        reason = "the phases do not lie on one grid"
    if reason:
        return [replace(d, status=REVIEW, reason=reason) for d in found]
    return [
        replace(
            found[index],
            role=f"DCE{number}",
            seconds=seconds,
            evidence=(
                *found[index].evidence,
                *found[index].stack.evidence,
                f"phase {number} of {len(found)} {order.by}",
            ),
        )
        for number, (index, seconds) in enumerate(zip(order.indices, order.seconds, strict=True), 1)
    ]


def _may_be_a_phase(decision: Decision, phase: Stack) -> bool:
    """Whether a volume outside a set may be its phase before contrast: on its grid, and not sure to be something else.

    A T1WI is not sure to be something else where its options (fat suppression) are those of the phases.
    """
    if decision.kind not in ("DCE", "T1WI", "") or not overlap(decision.stack, phase):
        return False
    same_options = sorted(decision.stack.facts.scan_options) == sorted(phase.facts.scan_options)
    return decision.status == REVIEW or same_options


# --- what overrides ----------------------------------------------------------------------------------------------


def _forced(decision: Decision, rules: Rules) -> Decision:
    if decision.status != ROLE:
        return decision
    subject = _subject(decision.series, decision.stack)
    says = next((rule.says for rule in rules.to_review if rule.holds(subject)), decision.stack.unsure)
    return replace(decision, status=REVIEW, role="", reason=says) if says else decision


def _phases_stand_together(decisions: list[Decision]) -> list[Decision]:
    """A dynamic scan of which one phase goes to review goes there whole: its numbers would not be sure."""
    phases = [d for d in decisions if d.kind == "DCE" and (d.status in (ROLE, REVIEW))]
    roles = [d for d in phases if d.status == ROLE]
    asked = [d for d in phases if d.status == REVIEW and any(same_scan(d.stack, other.stack) for other in roles)]
    if not roles or not asked:
        return decisions
    reason = f"a phase of this scan is for review ({asked[0].reason})"
    return [replace(d, status=REVIEW, role="", reason=reason) if d in roles else d for d in decisions]


def _refusal(decision: Decision) -> Decision:
    """A volume that cannot be written is refused, under the role that it would have."""
    if decision.status in (ROLE, REVIEW) and decision.stack.problem:
        role = decision.role if decision.status == ROLE else ""
        return replace(decision, status=REFUSED, role=role, reason=decision.stack.problem)
    return decision
