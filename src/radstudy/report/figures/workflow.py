"""The workflow of the study, drawn from what its run did: every box stands for results that exist."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from radstudy.report.cited import plain
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.boxes import draw_row, draw_title, placed
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import INK, figure, inches
from radstudy.report.figures.workflow_stages import READ_FILES, WorkflowStage, stages_of_run, thumbnails_of
from radstudy.report.part import report_part

_TITLE = 0.98  # inches, the column of the stages' titles
_EDGE, _GAP = 0.03, 0.15  # inches at the sides, and between stages
_LEFT = _EDGE + _TITLE + 0.14
_LOWEST = 0.36  # inches, height of a stage
_PICTURE, _BESIDE = 1.0, 0.09  # inches, largest width of a picture, and what lies between two


@report_part("workflow", reads=READ_FILES, rows_independent=False)
def workflow(facts: RunFacts) -> DrawnFigure:
    """The steps that ran, from the images to the evaluation, each with its counts."""
    thumbnails = thumbnails_of(facts)
    stages = stages_of_run(facts, thumbnails.pictures)
    if not stages:
        raise AbsentError("No step has finished, so there is no workflow to draw.")
    width = inches("double")
    room = width - _LEFT - _EDGE
    laid = [placed(stage.boxes, room, picture=_picture_width(stage, room)) for stage in stages]
    heights = [max(row.height, _LOWEST) for row in laid]
    height = sum(heights) + _GAP * (len(laid) - 1) + 2 * _EDGE
    drawn = figure("double", height, free=True)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.axis("off")
    top = height - _EDGE
    for stage, row, tall in zip(stages, laid, heights, strict=True):
        if top < height - _EDGE:
            axes.annotate(
                "", (_EDGE + _TITLE / 2, top), (_EDGE + _TITLE / 2, top + _GAP),
                arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0,
                            "mutation_scale": 8},
            )  # fmt: skip
        draw_title(axes, stage.title, (_EDGE, top - tall, _TITLE, tall))
        draw_row(axes, row, _LEFT, top - (tall - row.height) / 2)
        top -= tall + _GAP
    axes.set(xlim=(0, width), ylim=(0, height))  # pictures move the limits
    return DrawnFigure(drawn, _alt(stages), thumbnails.notes, _frame(stages))


def _picture_width(stage: WorkflowStage, room: float) -> float:
    pictures = sum(box.picture is not None for box in stage.boxes)
    return min(_PICTURE, room / pictures - _BESIDE) if pictures else _PICTURE


def _alt(stages: Sequence[WorkflowStage]) -> str:
    said = "; ".join(
        f"{stage.title}: {', '.join(' '.join(filter(None, (box.heading, *box.lines))) for box in stage.boxes)}"
        for stage in stages
    )
    return f"Workflow of the study. {said}."


def _frame(stages: Sequence[WorkflowStage]) -> pd.DataFrame:
    """One row per line of every box."""
    return pd.DataFrame(
        [
            {"stage": plain(stage.title), "box": number, "line": line, "text": plain(text)}
            for stage in stages
            for number, box in enumerate(stage.boxes, 1)
            for line, text in enumerate(filter(None, (box.heading, *box.lines)), 1)
        ]
    )
