"""AUCs with intervals, ROC curves and DeLong comparisons of all models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap

from radstudy.artefacts import HISTORY
from radstudy.modelling.lesions import without_lesions_note
from radstudy.protocol.words import listed
from radstudy.report.chance import CHANCE_BASELINES, CHANCE_FILE, CHANCE_ROC, OUTCOME, ChanceOfModel, chance_of
from radstudy.report.display import number, p_text
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.panels import panels, rows_of, set_key, side_label, square_height, values_above
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, INK, ORANGE, SETS, figure
from radstudy.report.outline import number_of
from radstudy.report.part import report_part
from radstudy.report.tables.performance import valid_tests
from radstudy.report.text.answer import p_said, primary_pair, with_interval
from radstudy.report.text.evidence import RESAMPLED
from radstudy.report.text.first_page import declared_late

_FEW, _CELL = 7, 0.42  # models of which the heat maps have cells of this side, inches; those of more are smaller
_TICK: dict[str, Any] = {"marker": "|", "linestyle": "", "markersize": 9, "markeredgewidth": 1.6}
_BESIDE = 11  # models of which two heat maps fit next to each other
# p-values in steps, dark if small; light and dark can be told apart without colour
_STEPS = (0.0, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0)
_SHADES = ("#08306b", "#2171b5", "#6baed6", "#c6dbef", "#e9f1f8", "#f7f9fb")


@report_part(
    "auc",
    reads=(
        "evaluate/table3.csv", "model/models.json", CHANCE_FILE, CHANCE_BASELINES, RESAMPLED, "evaluate/delong.csv",
        HISTORY.path,
    ),
    rows_independent=True,
)  # fmt: skip
def areas(facts: RunFacts) -> DrawnFigure:
    """The testing AUC of every model with its interval, its chance band and its nested value, on one axis."""
    table = _testing_areas(facts)
    drawn = figure("one_and_a_half", 0.235 * len(table) + (1.3 if facts.primary else 0.9))
    axes, beside = drawn.subplots(1, 2, sharey=True, width_ratios=(1.75, 1))
    beside.axis("off")
    for place, (_, row) in enumerate(table.iterrows()):
        _area(axes, row, place, primary=row["model"] == facts.primary_model)
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=1)
    left = float(
        min(0.3, np.nanmin(table[["auc", "auc_low", "chance_low", "nested_auc"]].to_numpy(dtype=float)) - 0.02)
    )
    axes.set(yticks=range(len(table)), ylim=(len(table) - 0.5, -0.5), xlim=(left, 1.01))
    for label, name in zip(axes.set_yticklabels(table["model"]), table["model"], strict=True):
        label.set_fontweight("bold" if name == facts.primary_model else "normal")
    axes.set_xlabel(f"testing AUC ({facts.level} CI)")
    _printed(beside, table)
    _key(axes, table)
    headline = _headline(facts, table)
    if headline:
        drawn.suptitle(headline, fontweight="bold", x=0.01, ha="left")
    spoken = "; ".join(_spoken_area(row) for _, row in table.iterrows())
    alt = ". ".join(filter(None, [headline.replace("\n", "; "), f"Testing AUC of every model: {spoken}."]))
    return DrawnFigure(drawn, alt, tuple(_area_notes(facts, table)), table)


def _testing_areas(facts: RunFacts) -> pd.DataFrame:
    """One row per fitted model with a testing AUC: its interval, chance and nested value; NaN where not computed."""
    table, records = _scored(facts), facts.document("model/models.json")
    nested = facts.frames.get(RESAMPLED)
    inside = {} if nested is None or not len(nested) else dict(zip(nested["model"], nested["nested_auc"], strict=True))
    rows = []
    for name in facts.fitted:
        row, chance, empty = _row(table, name, TESTING), chance_of(facts, name, TESTING), records[name].get("empty")
        if row is None:
            continue
        rows.append({
            "model": name, "rows": row["rows"], "positives": row["positives"], "auc": row["auc"],
            "auc_low": np.nan if empty else row["auc_low"], "auc_high": np.nan if empty else row["auc_high"],
            "chance_median": chance.median if chance else np.nan, "chance_low": chance.low if chance else np.nan,
            "chance_high": chance.high if chance else np.nan, "nested_auc": inside.get(name, np.nan),
            "note": "intercept only" if empty else without_lesions_note(row.get("note")),
        })  # fmt: skip
    if not rows:
        raise AbsentError("No model has a testing AUC.")
    return pd.DataFrame(rows)


def _area(axes: Axes, row: Any, place: int, *, primary: bool) -> None:
    if not np.isnan(row["chance_low"]):
        axes.plot([row["chance_low"], row["chance_high"]], [place, place], color=GREY, linewidth=8, alpha=0.3,
                  solid_capstyle="butt")  # fmt: skip
    if not np.isnan(row["chance_median"]):
        axes.plot(row["chance_median"], place, color=GREY, **_TICK)
    colour, wide = (BLUE, 2.2) if primary else (INK, 1.2)
    axes.plot([row["auc_low"], row["auc_high"]], [place, place], color=colour, linewidth=wide, solid_capstyle="butt")
    axes.plot(row["auc"], place, "o", color=colour, markersize=6 if primary else 5)
    if not np.isnan(row["nested_auc"]):
        axes.plot(row["nested_auc"], place, "s", color=ORANGE, markersize=4.5, markerfacecolor="white",
                  markeredgewidth=1.3)  # fmt: skip


def _printed(axes: Axes, table: pd.DataFrame) -> None:
    """The values in columns, on axes of their own."""
    nested, size = table["nested_auc"].notna().any(), 7
    columns = [(0.0, "AUC (CI)"), (0.78, "nested")] if nested else [(0.0, "AUC (CI)")]
    for x, heading in columns:
        axes.text(x, 1.01, heading, transform=axes.transAxes, fontsize=size, color=INK, va="bottom")
    for place, (_, row) in enumerate(table.iterrows()):
        value = number(row["auc"])
        if not np.isnan(row["auc_low"]):
            value += f" ({number(row['auc_low'])} to {number(row['auc_high'])})"
        texts = [value, number(row["nested_auc"])]
        for (x, _), text in zip(columns, texts, strict=False):
            axes.text(x, place, text, transform=axes.get_yaxis_transform(), fontsize=size, va="center")


def _key(axes: Axes, table: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], color=INK, marker="o", markersize=5, label="testing AUC, interval")]
    if table["chance_median"].notna().any():
        band = {"alpha": 0.5, "linewidth": 7} if table["chance_low"].notna().any() else _TICK
        marks.append(Line2D([], [], color=GREY, label="chance", **band))
    if table["nested_auc"].notna().any():
        marks.append(Line2D([], [], color=ORANGE, marker="s", markerfacecolor="white", linestyle="", markersize=4.5,
                            label="nested"))  # fmt: skip
    axes.legend(
        handles=marks,
        loc="lower left",
        bbox_to_anchor=(-0.36, 1.0),
        ncols=3,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.6,
    )


def _headline(facts: RunFacts, table: pd.DataFrame) -> str:
    """The primary model and comparison in three lines; "" if none is declared or it has no testing AUC."""
    part = table[table["model"] == facts.primary_model]
    if facts.primary is None or not len(part):
        return ""
    row, pair = part.iloc[0], primary_pair(facts)
    late = ", declared after testing rows were predicted" if declared_late(facts) else ""
    values = [f"testing AUC {with_interval(facts, row['auc'], row['auc_low'], row['auc_high'])}"]
    values += [f"chance {number(row['chance_median'])}"] if not np.isnan(row["chance_median"]) else []
    values += [f"nested {number(row['nested_auc'])}"] if not np.isnan(row["nested_auc"]) else []
    lines = [f"Primary model{late}: {facts.primary.model}", "; ".join(values)]
    if pair is not None and not np.isnan(pair["difference"]):
        test = "no p-value" if np.isnan(pair["p_value"]) else f"{p_said(pair['p_value'])} (DeLong)"
        size = with_interval(facts, float(pair["difference"]), pair["low"], pair["high"])
        lines.append(f"difference from {facts.primary.against} {size}, {test}")
    return "\n".join(lines)


def _spoken_area(row: Any) -> str:
    text = f"{row['model']} {number(row['auc'])}"
    if not np.isnan(row["auc_low"]):
        text += f", interval {number(row['auc_low'])} to {number(row['auc_high'])}"
    if not np.isnan(row["chance_median"]):
        text += f", chance {number(row['chance_median'])}"
    return text if np.isnan(row["nested_auc"]) else f"{text}, nested {number(row['nested_auc'])}"


def _area_notes(facts: RunFacts, table: pd.DataFrame) -> list[str]:
    notes = ["Dotted line: no discrimination. A model without features has no interval."]
    banded = list(table.loc[table["chance_low"].notna(), "model"])
    if banded:
        whose = "" if len(banded) == len(table) else f" of {listed(banded)}"
        notes.append(
            f"Grey bands{whose}: the central {facts.level} of the AUCs of the same models on permuted outcomes; grey "
            "line: their median."
        )
    medians = list(table.loc[table["chance_low"].isna() & table["chance_median"].notna(), "model"])
    if medians:
        whose = "" if len(medians) == len(table) else f" of {listed(medians)}"
        notes.append(
            f"Grey tick{whose}: the median AUC of the same models on permuted outcomes, which are too few for a "
            f"central {facts.level}."
        )
    if table["nested_auc"].notna().any():
        notes.append("Square: nested cross-validation of the same pipeline over all rows, every step inside the folds.")
    return notes + _interval_notes(_scored(facts), list(table.loc[table["auc_low"].notna(), "model"]), (TESTING,))


def _has_band(chance: ChanceOfModel | None) -> bool:
    return chance is not None and not np.isnan(chance.low)


def _interval_notes(table: Any, names: list[str], sets: Sequence[str] = (TRAINING, TESTING)) -> list[str]:
    """Notes on intervals that are uninformative or not of the kind requested, mostly of an AUC of 1."""
    if "note" not in table:
        return []
    said: dict[str, dict[str, list[str]]] = {}
    for name in names:
        for which in sets:
            row = _row(table, name, which)
            if row is not None and (note := without_lesions_note(row["note"])):
                said.setdefault(note, {}).setdefault(name, []).append(which)
    return [
        f"{'; '.join(f'{name}, {listed(own)}' for name, own in places.items())}: {note}."
        for note, places in said.items()
    ]


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
    drawn, grid = panels(names, height=square_height(len(names), columns=4, lines=2), columns=4, around=0.6)
    banded: dict[str, list[str]] = {TESTING: [], TRAINING: []}
    for axes, name in zip(grid, names, strict=True):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=":")
        for which in (TRAINING, TESTING):
            if _chance_band(axes, facts, name, which):
                banded[which].append(name)
            _curve(axes, rows_of(curves, name, which), which)
        empty = bool(records[name].get("empty"))
        shown = (TRAINING,) if facts.sealed else (TESTING, TRAINING)
        values_above(axes, [_value(curves, table, name, which, empty=empty) for which in shown])
        axes.set(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    drawn.supxlabel("1 − specificity")
    side_label(drawn, "sensitivity")
    set_key(drawn)
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


def _curve(axes: Axes, part: Any, which: str) -> None:
    if not len(part):
        return
    colour, line = SETS[which]
    axes.plot(part["false_positive_rate"], part["true_positive_rate"], color=colour, linestyle=line, linewidth=1.4)


def _value(curves: Any, table: Any, name: str, which: str, *, empty: bool) -> tuple[str, str]:
    """The AUC of a curve in its set's colour, or why there is none."""
    row = _row(table, name, which)
    if row is None or not len(rows_of(curves, name, which)):
        return f"{which}: one class only", SETS[which][0]
    area = "0.5 (intercept only)" if empty else f"{row['auc']:.3f} ({row['auc_low']:.3f}–{row['auc_high']:.3f})"
    return f"{which} {area}", SETS[which][0]


@report_part("delong", reads=("evaluate/delong.csv", "model/models.json"), rows_independent=True)
def delong(facts: RunFacts) -> DrawnFigure:
    """DeLong p-values of every pair of models, training and testing."""
    frame = valid_tests(facts.frame("evaluate/delong.csv"))
    if not len(frame):
        raise AbsentError("Fewer than two models could be fitted, so there is nothing to compare.")
    names = facts.fitted
    stacked = len(names) > _BESIDE
    few = len(names) <= _FEW
    side = min(_CELL * (len(names) - 1), 2.6)
    height = 2 * (0.26 * len(names) + 1.0) + 0.7 if stacked else side + 1.6
    drawn = figure("one_and_a_half" if few else "double", height)
    panels = drawn.subplots(2, 1) if stacked else drawn.subplots(1, 2)
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
        axes.text(j, i - 1, text, ha="center", va="center", fontsize=7 if size <= _FEW else 6, color=colour)
    axes.set(xticks=range(size - 1), yticks=range(size - 1))
    axes.set_xticklabels(names[:-1], rotation=45, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticklabels(names[1:], fontsize=7)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return mesh
