"""AUCs with intervals, ROC curves and DeLong comparisons of all models."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap

from radstudy.modelling.lesions import without_lesions_note
from radstudy.protocol.words import listed
from radstudy.report.chance import CHANCE_BASELINES, CHANCE_FILE, CHANCE_ROC, OUTCOME, ChanceOfModel, chance_of
from radstudy.report.display import number, p_text
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.panels import SET_LABELS, panels, rows_of
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import GREY, INK, SETS, figure
from radstudy.report.outline import number_of
from radstudy.report.part import report_part
from radstudy.report.tables.performance import valid_tests

# p-values in steps, dark if small; light and dark can be told apart without colour
_STEPS = (0.0, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0)
_SHADES = ("#08306b", "#2171b5", "#6baed6", "#c6dbef", "#e9f1f8", "#f7f9fb")


@report_part(
    "auc",
    reads=("evaluate/table3.csv", "model/models.json", CHANCE_FILE, CHANCE_BASELINES),
    rows_independent=True,
)
def areas(facts: RunFacts) -> DrawnFigure:
    """The AUC of every model with its interval, training and testing."""
    table = _scored(facts)
    records = facts.document("model/models.json")
    names = [name for name in facts.fitted if name in set(table["model"])]
    drawn = figure(6.6, 0.36 * len(names) + 0.9)
    axes = drawn.subplots()
    for offset, which in ((-0.14, TRAINING), (0.14, TESTING)):
        colour = SETS[which][0]
        for index, name in enumerate(names):
            row = _row(table, name, which)
            if row is None:
                continue
            y = index + offset
            if _has_band(chance := chance_of(facts, name, which)):
                assert chance is not None
                axes.plot([chance.low, chance.high], [y, y], color=GREY, linewidth=7, alpha=0.3, solid_capstyle="butt")
            if not records[name].get("empty"):
                axes.plot([row["auc_low"], row["auc_high"]], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
            axes.plot(row["auc"], y, "o" if which == TESTING else "D", color=colour, markersize=5,
                      markerfacecolor=colour if which == TESTING else "white")  # fmt: skip
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=1)
    axes.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5), xlim=(_left_end(facts, table, names), 1.01))
    axes.set_yticklabels(names)
    axes.set_xlabel(f"AUC ({facts.level} CI)")
    _key(axes)
    alt = "AUC of every model: " + "; ".join(_spoken(table, name) for name in names) + "."
    notes = ["Dotted line: no discrimination. A model without features has no interval."]
    if banded := [name for name in names if any(_has_band(chance_of(facts, name, which)) for which in SET_LABELS)]:
        whose = "" if banded == names else f" of {listed(banded)}"
        notes.append(
            f"Grey bands{whose}: the central {facts.level} of the AUCs of the same models on permuted outcomes."
        )
    notes += _interval_notes(table, [name for name in names if not records[name].get("empty")])
    return DrawnFigure(drawn, alt, tuple(notes))


def _left_end(facts: RunFacts, table: Any, names: list[str]) -> float:
    """The left end of the AUC axis: below every interval and every band."""
    bands = [chance for name in names for which in SET_LABELS if (chance := chance_of(facts, name, which)) is not None]
    lowest = [table["auc_low"].min(), *(chance.low for chance in bands if _has_band(chance))]
    return float(min(0.3, np.nanmin(lowest) - 0.02))


def _has_band(chance: ChanceOfModel | None) -> bool:
    return chance is not None and not np.isnan(chance.low)


def _interval_notes(table: Any, names: list[str]) -> list[str]:
    """Notes on intervals that are uninformative or not of the kind requested, mostly of an AUC of 1."""
    if "note" not in table:
        return []
    said: dict[str, dict[str, list[str]]] = {}
    for name in names:
        for which in (TRAINING, TESTING):
            row = _row(table, name, which)
            if row is not None and (note := without_lesions_note(row["note"])):
                said.setdefault(note, {}).setdefault(name, []).append(which)
    return [
        f"{'; '.join(f'{name}, {listed(sets)}' for name, sets in places.items())}: {note}."
        for note, places in said.items()
    ]


def _key(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D(
            [],
            [],
            color=SETS[TRAINING][0],
            marker="D",
            markerfacecolor="white",
            markersize=5,
            label=SET_LABELS[TRAINING],
        ),
        Line2D([], [], color=SETS[TESTING][0], marker="o", markersize=5, label=SET_LABELS[TESTING]),
    ]
    axes.legend(handles=marks, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _scored(facts: RunFacts) -> Any:
    table = facts.frame("evaluate/table3.csv")
    if not len(table) or "auc" not in table:
        raise AbsentError("No model could be fitted and tested, so there is no AUC to draw.")
    return table


def _row(table: Any, model: str, which: str) -> Any:
    part = rows_of(table, model, which).dropna(subset=["auc"])
    return part.iloc[0] if len(part) else None


def _spoken(table: Any, name: str) -> str:
    said = [
        f"{which} {number(row['auc'])}"
        for which in (TRAINING, TESTING)
        if (row := _row(table, name, which)) is not None
    ]
    return f"{name} {', '.join(said)}"


@report_part(
    "roc",
    reads=("evaluate/roc.csv", "evaluate/table3.csv", "model/models.json", CHANCE_ROC, CHANCE_FILE, CHANCE_BASELINES),
    rows_independent=True,
)
def roc(facts: RunFacts) -> DrawnFigure:
    """ROC curves, one panel per model, training and testing."""
    table, curves = _scored(facts), facts.frame("evaluate/roc.csv")
    records = facts.document("model/models.json")
    names = facts.fitted
    drawn, grid = panels(names, width=2.15, height=2.35, columns=4)
    banded: dict[str, list[str]] = {TESTING: [], TRAINING: []}
    for axes, name in zip(grid, names, strict=True):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=":")
        for which in (TRAINING, TESTING):
            if _chance_band(axes, facts, name, which):
                banded[which].append(name)
            _curve(axes, curves, table, name, which, empty=bool(records[name].get("empty")))
        axes.set(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.legend(loc="lower right", handlelength=1.6, borderaxespad=0.1, labelspacing=0.3, fontsize=6.3)
    drawn.supxlabel("1 − specificity", fontsize=8.5)
    drawn.supylabel("sensitivity", fontsize=8.5)
    alt = "ROC curves by model, AUC: " + "; ".join(_spoken(table, name) for name in names) + "."
    about = _interval_notes(table, [name for name in names if not records[name].get("empty")])
    notes = (*_band_notes(facts, names, banded), *about)
    return DrawnFigure(drawn, alt, notes)


def _band_notes(facts: RunFacts, names: list[str], banded: dict[str, list[str]]) -> tuple[str, ...]:
    """The note that explains the bands drawn."""
    colours = {TESTING: "grey", TRAINING: "light orange"}
    drawn = [
        f"{colours[which]} of the {which} set{'' if models == names else f' ({listed(models)})'}"
        for which, models in banded.items()
        if models
    ]
    if not drawn:
        return ()
    return (
        f"Bands: the pointwise central {facts.level} of the curves of the same models on permuted outcomes; "
        f"{listed(drawn)}. Such a band holds at each point, not for a whole curve: many curves of pure chance leave it "
        "somewhere, so neither a curve inside it nor one that leaves it is a test; the p-values in "
        f"{number_of('table', 'performance')} are.",
    )


def _chance_band(axes: Axes, facts: RunFacts, name: str, which: str) -> bool:
    """Draw the band of chance and return True if there are permutations enough for one."""
    frame, chance = facts.frames.get(CHANCE_ROC), chance_of(facts, name, which)
    if frame is None or not len(frame) or (chance is not None and not _has_band(chance)):
        return False
    part = rows_of(frame[frame["kind"] == OUTCOME], name, which).dropna(subset=["low"])
    if not len(part):
        return False
    colour, alpha = (GREY, 0.32) if which == TESTING else (SETS[TRAINING][0], 0.13)
    axes.fill_between(part["false_positive_rate"], part["low"], part["high"], color=colour, alpha=alpha, linewidth=0)
    return True


def _curve(axes: Axes, curves: Any, table: Any, name: str, which: str, *, empty: bool) -> None:
    part = rows_of(curves, name, which)
    row = _row(table, name, which)
    if not len(part) or row is None:
        axes.plot([], [], " ", label=f"{which}: one class only")
        return
    colour, line = SETS[which]
    area = "0.5 (intercept only)" if empty else f"{row['auc']:.3f}\n({row['auc_low']:.3f}–{row['auc_high']:.3f})"
    axes.plot(part["false_positive_rate"], part["true_positive_rate"], color=colour, linestyle=line,
              linewidth=1.4, label=f"{which} {area}")  # fmt: skip


@report_part("delong", reads=("evaluate/delong.csv", "model/models.json"), rows_independent=True)
def delong(facts: RunFacts) -> DrawnFigure:
    """DeLong p-values of every pair of models, training and testing."""
    frame = valid_tests(facts.frame("evaluate/delong.csv"))
    if not len(frame):
        raise AbsentError("Fewer than two models could be fitted, so there is nothing to compare.")
    names = facts.fitted
    side = 0.44 * len(names) + 1.1
    drawn = figure(min(2 * side, 12.5), min(2 * side, 12.5) / 2 + 0.9)
    panels = drawn.subplots(1, 2)
    titles = {TRAINING: "Training: descriptive\n(selected, refitted, nested models)", TESTING: "Testing"}
    for axes, which in zip(panels, (TRAINING, TESTING), strict=True):
        mesh = _heat(axes, frame[frame["set"] == which], names)
        axes.set_title(titles[which])
    bar = drawn.colorbar(mesh, ax=list(panels), orientation="horizontal", shrink=0.4, aspect=30, ticks=_STEPS[1:-1])
    bar.ax.set_xticklabels([f"{step:g}" for step in _STEPS[1:-1]])
    bar.set_label("p (DeLong, two-sided, not adjusted)")
    low = frame[(frame["set"] == TESTING) & (frame["p_value"] < 0.05)]
    pairs = (
        "; ".join(f"{r['model_a']} and {r['model_b']} p {p_text(r['p_value'])}" for _, r in low.iterrows()) or "none"
    )
    alt = f"Heat maps of DeLong p-values between {len(names)} models. Testing pairs with p below 0.05: {pairs}."
    note = "–: the test is not defined, or not valid: nested models on their training set (the tables say why)."
    return DrawnFigure(drawn, alt, (note,))


def _heat(axes: Axes, part: Any, names: list[str]) -> Any:
    size = len(names)
    values = np.full((size, size), np.nan)
    tested = np.zeros((size, size), dtype=bool)
    for _, row in part.iterrows():
        first, second = sorted((names.index(row["model_a"]), names.index(row["model_b"])))
        values[second, first] = row["p_value"]
        tested[second, first] = True
    # the first row and the last column have no pair
    mesh = axes.imshow(values[1:, :-1], cmap=ListedColormap(_SHADES), norm=BoundaryNorm(_STEPS, len(_SHADES)))
    for i, j in np.argwhere(tested):
        value = values[i, j]
        text = (
            "–" if np.isnan(value) else "<.001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1"
        )
        colour = "white" if value < 0.01 else INK
        axes.text(j, i - 1, text, ha="center", va="center", fontsize=6, color=colour)
    axes.set(xticks=range(size - 1), yticks=range(size - 1))
    axes.set_xticklabels(names[:-1], rotation=45, ha="right", rotation_mode="anchor", fontsize=7.5)
    axes.set_yticklabels(names[1:], fontsize=7.5)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return mesh
