"""The METRICS score: the weights of the items answered yes over the weights of all items that are active."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from radstudy.report.checklists.answers import AnsweredItem, ItemStatus


@dataclass(frozen=True)
class MetricsScore:
    """The METRICS score of a study.

    Parameters
    ----------
    now : score with what the run shows, in per cent; what an author must write counts as no.
    completed : score if the author can answer every open item with yes, in per cent.
    active : number of items that count.
    """

    now: float
    completed: float
    active: int


def metrics_share(weights: Sequence[float], answers: Sequence[bool | None]) -> float:
    """The score by the rule of the published calculator, in per cent.

    Parameters
    ----------
    weights : weights of the items.
    answers : True for yes, False for no or unanswered, None for an item that is switched off by its condition.

    Returns
    -------
    100 times the weights of yes over the weights of yes and no; 0 if no item is active.

    References
    ----------
    Kocak B. et al. Insights Imaging 2024;15:8, doi 10.1186/s13244-023-01572-w; METRICS Tool v1.0.

    Examples
    --------
    >>> metrics_share([0.5, 0.25, 0.25], [True, False, None])
    66.66666666666667
    """
    pairs = list(zip(weights, answers, strict=True))
    active = sum(weight for weight, answer in pairs if answer is not None)
    return 100 * sum(weight for weight, answer in pairs if answer) / active if active else 0.0


def metrics_score(items: Sequence[AnsweredItem]) -> MetricsScore:
    """The METRICS score of a checklist that was filled in from a run.

    Parameters
    ----------
    items : items of METRICS with their status.
    """
    return MetricsScore(
        _share(items, (ItemStatus.MET,)),
        _share(items, (ItemStatus.MET, ItemStatus.AUTHOR)),
        sum(one.status is not ItemStatus.NOT_APPLICABLE for one in items),
    )


def _share(items: Sequence[AnsweredItem], yes: Collection[ItemStatus]) -> float:
    answers = [None if one.status is ItemStatus.NOT_APPLICABLE else one.status in yes for one in items]
    return metrics_share([one.item.weight for one in items], answers)
