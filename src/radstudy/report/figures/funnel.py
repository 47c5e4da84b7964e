"""The number of features kept by each step, by model."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes

from radstudy.report.display import thousands
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.panels import panels
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, LIGHT
from radstudy.report.part import report_part
from radstudy.report.tables.features import step_name

Stage = tuple[str, int]
_COLUMNS = 3


@report_part(
    "funnel",
    reads=("model/funnel.csv", "model/features.csv", "model/models.json", "agree/summary.json"),
    rows_independent=False,
)
def funnel(facts: RunFacts) -> DrawnFigure:
    """One funnel per model: from the features extracted to those in the model."""
    stages = {name: stages_of(facts, name) for name in facts.fitted}
    if not stages:
        raise AbsentError("No model could be fitted; no feature was selected.")
    lengths = [len(steps) for steps in stages.values()]
    most = [max(lengths[first : first + _COLUMNS]) for first in range(0, len(lengths), _COLUMNS)]
    heights = [0.2 * count + 0.45 for count in most]
    drawn, grid = panels(list(stages), height=heights, columns=_COLUMNS, share=False)
    for index, (axes, steps) in enumerate(zip(grid, stages.values(), strict=True)):
        _draw(axes, steps, most[index // _COLUMNS])
    spoken = "; ".join(f"{name} {' → '.join(thousands(count) for _, count in steps)}" for name, steps in stages.items())
    alt = f"Number of features kept by each step of the selection, by model: {spoken}."
    notes = ("Bars are to scale within a panel; numbers are the features left after each step.", *_joined_note(facts))
    return DrawnFigure(drawn, alt, notes, facts.frame("model/funnel.csv"))


def _joined_note(facts: RunFacts) -> tuple[str, ...]:
    """The note on models that are built from others, if one was fitted."""
    models = [facts.protocol.model.models[name] for name in facts.fitted]
    if not any(model.add or model.like or model.pool for model in models):
        return ()
    return (
        "A model built from others starts from the features that those selected: beside From, the number that the "
        "named model gave; these are put together, not reduced one after the other.",
    )


def stages_of(facts: RunFacts, name: str) -> list[Stage]:
    """The steps of one model with the features left after each.

    Parameters
    ----------
    facts : facts of the run.
    name : name of a fitted model.
    """
    frame = facts.frame("model/funnel.csv")
    own = frame[(frame["model"] == name) & (frame["branch"] == name)]
    stages = _before(facts, name)
    model, in_model = facts.protocol.model.models[name], facts.frame("model/features.csv")
    counts = Counter(in_model["model"] if len(in_model) else ())
    stages += [(f"From {part}", int(counts.get(part, 0))) for part in model.add or filter(None, [model.like])]
    if not stages and len(own):
        stages.append(("Pooled" if model.pool else "Candidates", int(own.iloc[0]["entered"])))
    stages += [(step_name(str(row["step"])), int(row["kept"])) for _, row in own.iterrows()]
    return [*stages, ("In the model", int(counts.get(name, 0)))]


def _before(facts: RunFacts, name: str) -> list[Stage]:
    """The stages before the model's own steps: extraction and readers' agreement, for image features."""
    sequences = facts.protocol.model.models[name].sequences
    if not sequences:
        return []
    agreed = facts.document("agree/summary.json")
    if agreed.get("note"):
        return []
    kept = sum(int(agreed["kept"].get(sequence, 0)) for sequence in sequences)
    given = sum(int(agreed["of_sequence"].get(sequence, 0)) for sequence in sequences)
    return [("Given" if facts.protocol.features is not None else "Extracted", given), ("Reproducible", kept)]


def _draw(axes: Axes, stages: list[Stage], most: int) -> None:
    largest = max(1, *(count for _, count in stages))
    last = len(stages) - 1
    for index, (_, count) in enumerate(stages):
        colour = LIGHT if index == 0 and last else BLUE if index == last else "#9cc3de"
        width = count / largest
        if count:
            axes.barh(index, width, left=-width / 2, height=0.74, color=colour, edgecolor=GREY, linewidth=0.4)
        axes.text(0.54, index, thousands(count), ha="left", va="center", fontsize=7)
    axes.set(xlim=(-0.52, 0.78), ylim=(most - 0.5, -0.5), yticks=range(len(stages)), xticks=())
    axes.set_yticklabels([label for label, _ in stages], fontsize=7)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
