"""Leak detector: checks for faults that make an AUC worthless before any model is fitted, one module per kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from radstudy.modelling.leaks.alignment import find_alignment
from radstudy.modelling.leaks.coded import find_coded
from radstudy.modelling.leaks.duplicates import find_duplicates
from radstudy.modelling.leaks.finding import SEVERITIES, Inspected, LeakFinding, Severity
from radstudy.modelling.leaks.looked import looked_for
from radstudy.modelling.leaks.readers import find_copied_masks
from radstudy.modelling.leaks.scaling import find_scaling, find_selection
from radstudy.modelling.leaks.volume import find_volume, volume_of

CHECKS: tuple[Callable[[Inspected], Iterator[LeakFinding]], ...] = (
    find_scaling,
    find_selection,
    find_duplicates,
    find_copied_masks,
    find_coded,
    find_alignment,
    find_volume,
)
BY_OUTCOME = (find_selection, find_coded, find_alignment, find_volume)  # of a sealed study: on its training rows


def find_leaks(seen: Inspected) -> list[LeakFinding]:
    """Return all findings of the checks, errors first.

    Parameters
    ----------
    seen : the known facts of the study; checks that need facts not yet known return nothing.
    """
    known = seen.with_outcome()
    findings = [finding for check in CHECKS for finding in check(known if check in BY_OUTCOME else seen)]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


__all__ = [
    "CHECKS",
    "SEVERITIES",
    "Inspected",
    "LeakFinding",
    "Severity",
    "find_leaks",
    "looked_for",
    "volume_of",
]
