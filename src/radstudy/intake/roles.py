"""Roles of an examination's volumes: T2WI, DWI at a b-value, a DCE phase; or left out; or for a reader to decide.

A role is given if the rules (roles.yaml) are certain and exactly one volume fits; two volumes that fit one role go to
review. Dynamic scans are judged in `radstudy.intake.phases`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from radstudy.intake.decision import (
    LEFT_OUT,
    REFUSED,
    REVIEW,
    ROLE,
    Decision,
    one_each,
    volume_subject,
    why_unsure,
)
from radstudy.intake.dynamic import same_scan
from radstudy.intake.phases import Alike, dynamic_roles, look_at_set, phases_together, sets_of
from radstudy.intake.rules import Rules, Score
from radstudy.intake.series import Series, Stack


def decide_study(
    series: Sequence[Series], rules: Rules, *, alike: Alike = same_scan, without: Collection[Stack] = ()
) -> list[Decision]:
    """Decide on every volume of one examination.

    Parameters
    ----------
    series : the DICOM series of one study.
    rules : from `load_rules`.
    alike : True if two volumes may be phases of one scan; by default by grid and protocol.
    without : volumes that are already decided and are ignored.

    Returns
    -------
    One decision per volume, in the order of series numbers.
    """
    volumes = [(one, stack) for one in series for stack in one.stacks if stack not in without]
    first = [_first_look(one, stack, rules) for one, stack in volumes]
    settled = [decision for decision, _ in first if decision is not None and decision.kind not in ("T2WI", "DWI")]
    named = [decision for decision, _ in first if decision is not None and decision.kind in ("T2WI", "DWI")]
    pool = [(one, stack) for (decision, _), (one, stack) in zip(first, volumes, strict=True) if decision is None]
    sets = sets_of(pool, alike)
    dynamic = [look_at_set(members, rules) for members in sets]
    decisions = [
        *settled,
        *one_each([d for d in named if d.kind == "T2WI"], lambda _: "T2WI"),
        *_without_parts(one_each([_with_b(d) for d in named if d.kind == "DWI"], _dwi_role)),
        *dynamic_roles(dynamic),
    ]
    forced = [_forced(decision, rules) for decision in decisions]
    together = phases_together(forced)
    return sorted((_refusal(d) for d in together), key=_rank)


def _rank(decision: Decision) -> tuple[float, float, int]:
    number = decision.series.facts.series_number
    b_value = decision.stack.b_value
    return (
        float("inf") if number is None else number,
        -1 if b_value is None else b_value,
        decision.stack.phase or 0,
    )


def _first_look(series: Series, stack: Stack, rules: Rules) -> tuple[Decision | None, Score | None]:
    """Decide by the series only: left out, T2WI or DWI; None if it may be a phase of a set."""
    subject = volume_subject(series, stack)
    held = [rule for rule in rules.left_out if rule.holds(subject)]
    if held:
        return Decision(series, stack, LEFT_OUT, held[0].kind, evidence=tuple(rule.says for rule in held)), None
    if len(stack.frames) == 1 and not stack.facts.tiled and subject.numbers["images"] == 1:
        return Decision(series, stack, LEFT_OUT, "single image", evidence=("a single image is not a volume",)), None
    apart = next((rule for rule in rules.to_review if rule.kind and rule.holds(subject)), None)
    if apart is not None:
        return Decision(series, stack, REVIEW, apart.kind, reason=apart.says), None
    scores = rules.scores(subject, list(rules.roles))
    best = scores[0]
    if best.kind not in ("T2WI", "DWI") or best.points < rules.lead:
        return None, best
    decision = Decision(series, stack, ROLE, best.kind, points=best.points, evidence=best.evidence)
    if not rules.is_sure(scores):
        return replace(decision, status=REVIEW, reason=why_unsure(scores, rules)), best
    return decision, best


def _with_b(decision: Decision) -> Decision:
    """Send a DWI volume to review unless its header gives a b-value and it is an average over directions."""
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
    """Leave out single gradient directions of a b-value whose trace image, computed from them, has a role."""
    traced = {d.role for d in decisions if d.status == ROLE and d.stack.direction == "isotropic"}
    return [
        replace(d, status=LEFT_OUT, kind="single directions", reason="", evidence=("its trace image is present",))
        if d.status == REVIEW and d.stack.direction == "directional" and _dwi_role(d) in traced
        else d
        for d in decisions
    ]


def _dwi_role(decision: Decision) -> str:
    b_value = decision.stack.b_value
    return "DWI" if b_value is None else f"DWI_b{round(b_value)}"


def _forced(decision: Decision, rules: Rules) -> Decision:
    if decision.status != ROLE:
        return decision
    subject = volume_subject(decision.series, decision.stack)
    says = next((rule.says for rule in rules.to_review if rule.holds(subject)), decision.stack.unsure)
    return replace(decision, status=REVIEW, role="", reason=says) if says else decision


def _refusal(decision: Decision) -> Decision:
    """Refuse a volume that cannot be written, under the role that it would have."""
    if decision.status in (ROLE, REVIEW) and decision.stack.problem:
        role = decision.role if decision.status == ROLE else ""
        return replace(decision, status=REFUSED, role=role, reason=decision.stack.problem)
    return decision
