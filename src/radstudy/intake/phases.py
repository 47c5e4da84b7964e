"""Recognition of the phases of the dynamic scan: volumes of one protocol on one grid are judged together.

Phases on whose order two tags disagree, a scan whose first phase may be in another series, and two scans that look
dynamic all go to review.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from radstudy.formats.dicom_series import same_grid
from radstudy.intake.decision import REVIEW, ROLE, Decision, one_each, series_shown, volume_subject, why_unsure
from radstudy.intake.dynamic import in_order, orders_of, overlap, same_scan
from radstudy.intake.rules import Rules
from radstudy.intake.series import Series, Stack

Alike = Callable[[Stack, Stack], bool]


def sets_of(pool: list[tuple[Series, Stack]], alike: Alike) -> list[list[tuple[Series, Stack]]]:
    """Group the volumes into sets that may be phases of one scan."""
    sets: list[list[tuple[Series, Stack]]] = []
    for one, stack in pool:
        for members in sets:
            if alike(members[0][1], stack):
                members.append((one, stack))
                break
        else:
            sets.append([(one, stack)])
    return sets


def look_at_set(members: list[tuple[Series, Stack]], rules: Rules) -> list[Decision]:
    """Judge the volumes of one protocol on one grid together."""
    subjects = [volume_subject(one, stack) for one, stack in members]
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
    reason = "" if rules.is_sure(scores) else why_unsure(scores, rules) if kind else "no rule applies to it"
    if not reason and kind == "DCE" and phases == 1:
        reason = "perhaps DCE, but with only one phase"
    if not reason and kind == "DCE":
        reason = _without_first(members, names)
    status = REVIEW if reason else ROLE
    return [Decision(one, stack, status, kind, "", best.points, best.evidence, reason) for one, stack in members]


def _without_first(members: Sequence[tuple[Series, Stack]], names: str) -> str:
    """Explain why the phase before contrast may be missing: every series is named as after contrast, none as before."""
    lines = names.splitlines()
    after = re.compile(r"\bPOST|\bGAD|\+C|(?<!NO )DELAY|\b[2-9](ND|RD|TH)\b|\d ?MIN")
    before = re.compile(r"\bPRE|PREPOST|NO ?CON|WITHOUT")
    apart = all(stack.phase is None for _, stack in members)
    if apart and all(after.search(line) for line in lines) and not any(before.search(line) for line in lines):
        return "all phases are named as after contrast; the phase before contrast is not among them"
    return ""


def dynamic_roles(sets: list[list[Decision]]) -> list[Decision]:
    """Give roles to the volumes of all sets: phases of the only dynamic scan, in order; T1WI and T2WI; or review."""
    sets = [_with_times(members) for members in sets]
    dynamic = [members for members in sets if members[0].kind == "DCE" and members[0].status == ROLE]
    others = [decision for members in sets if members not in dynamic for decision in members]
    plain = [d for d in others if d.kind in ("T1WI", "T2WI") and d.status == ROLE]
    rest = [d for d in others if d not in plain]
    if len(dynamic) > 1:
        reason = f"{len(dynamic)} sets of volumes look like the dynamic scan"
        listed = [replace(d, status=REVIEW, reason=reason) for members in dynamic for d in members]
    else:
        listed = [decision for members in dynamic for decision in _number(members, others)]
    return [*listed, *one_each(plain, lambda decision: decision.kind), *rest]


def _with_times(members: list[Decision]) -> list[Decision]:
    """Add times and orders to the volumes of a set that may be a dynamic scan, even if a reader has to decide."""
    if len(members) < 2 or members[0].kind not in ("DCE", ""):
        return members
    stacks = [decision.stack for decision in members]
    order, orders = in_order(stacks), orders_of(stacks)
    seconds = dict(zip(order.indices, order.seconds, strict=True))
    return [replace(d, seconds=seconds[place], orders=orders) for place, d in enumerate(members)]


def _number(members: list[Decision], rest: Sequence[Decision]) -> list[Decision]:
    """Number the phases by time; send them to review if the order is uncertain or another series may belong to them."""
    if members[0].series.listed is not None:
        return [replace(decision, role="DCE") for decision in members]
    strays = [d for d in rest if _may_be_a_phase(d, members[0].stack)]
    order = in_order([decision.stack for decision in members])
    reason = order.unsure or next((d.stack.unsure for d in members if d.stack.unsure), "")
    if strays and not reason:
        reason = f"{series_shown(strays)} on the same grid may be a phase too"
    grids = [d.stack.grid for d in members if d.stack.grid is not None]
    if not reason and any(not same_grid(grids[0], grid) for grid in grids):
        reason = "the phases do not lie on one grid"
    if reason:
        return [replace(d, status=REVIEW, reason=reason) for d in members]
    return [
        replace(
            members[index],
            role=f"DCE{number}",
            seconds=seconds,
            evidence=(
                *members[index].evidence,
                *members[index].stack.evidence,
                f"phase {number} of {len(members)} {order.by}",
            ),
        )
        for number, (index, seconds) in enumerate(zip(order.indices, order.seconds, strict=True), 1)
    ]


def _may_be_a_phase(decision: Decision, phase: Stack) -> bool:
    """True if a volume outside a set may be its phase before contrast: on its grid, and not certainly something else.

    A T1WI is not certainly something else if its options (fat suppression) are those of the phases.
    """
    if decision.kind not in ("DCE", "T1WI", "") or not overlap(decision.stack, phase):
        return False
    same_options = sorted(decision.stack.facts.scan_options) == sorted(phase.facts.scan_options)
    return decision.status == REVIEW or same_options


def phases_together(decisions: list[Decision]) -> list[Decision]:
    """Send a whole dynamic scan to review if one of its phases goes there, since the numbers would be uncertain."""
    phases = [d for d in decisions if d.kind == "DCE" and (d.status in (ROLE, REVIEW))]
    roles = [d for d in phases if d.status == ROLE]
    asked = [d for d in phases if d.status == REVIEW and any(same_scan(d.stack, other.stack) for other in roles)]
    if not roles or not asked:
        return decisions
    reason = f"a phase of this scan is for review ({asked[0].reason})"
    return [replace(d, status=REVIEW, role="", reason=reason) if d in roles else d for d in decisions]
