"""Reporting checklists filled in from a run's files: CLEAR, METRICS and TRIPOD+AI.

Each checklist is a YAML file: the questions in our own words, where a run's evidence is, and what only an author can
write. `checklist.py` reads it, `evidence.py` looks the evidence up, `answers.py` draws the status of every item from
it, `score.py` adds up METRICS, and `listing.py` writes the checklist down.
"""

from radstudy.report.checklists.answers import AnsweredItem, ItemStatus, answered
from radstudy.report.checklists.checklist import CHECKLISTS, Checklist, ChecklistItem, read_checklist, shipped
from radstudy.report.checklists.listing import checklist_frame, items_with, score_of
from radstudy.report.checklists.score import MetricsScore, metrics_score, metrics_share

__all__ = [
    "CHECKLISTS",
    "AnsweredItem",
    "Checklist",
    "ChecklistItem",
    "ItemStatus",
    "MetricsScore",
    "answered",
    "checklist_frame",
    "items_with",
    "metrics_score",
    "metrics_share",
    "read_checklist",
    "score_of",
    "shipped",
]
