"""Testing patients of each class on all sequences, rightly and wrongly classified, chosen by a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from radstudy.protocol.words import listed
from radstudy.report.analysed import LESION
from radstudy.report.display import number, plural
from radstudy.report.facts import TESTING, AbsentError, RunFacts
from radstudy.report.figures.boxes import HEADING, LINE, PAD, broken, measured
from radstudy.report.figures.panels import letters
from radstudy.report.figures.scores import cutoff_of
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import Width, figure, inches, width_for
from radstudy.report.part import report_part
from radstudy.report.pictures import axial_pictures, colours
from radstudy.report.text.evidence import leading_model, leading_model_is
from radstudy.report.text.figured import RULE

_LABEL = 1.05  # inches, the column of the patients
_TILE_GAP, _GAP = 0.05, 0.1  # inches between pictures, and between patients
_MOST, _WIDEST = 8, 1.55  # pictures next to each other, and the largest width of one, inches
_KEY, _STROKE = 0.22, 0.25  # inches, the line of the readers, and the length of a contour in it
_LEADING = 1.35 / 72  # inches between two lines, per point


@dataclass(frozen=True)
class Example:
    """One testing case that is drawn.

    Parameters
    ----------
    row : its row of the predictions.
    right : True if it is classified correctly.
    median : probability to which it is the nearest.
    pictures : sequence to its picture.
    """

    row: Any
    right: bool
    median: float
    pictures: Mapping[str, Image.Image]


@report_part(
    "examples",
    reads=(
        "model/predictions.csv", "evaluate/table3.csv", "model/models.json", "cohort/rows.csv", "prepare/lesions.csv",
    ),
    rows_independent=False,
)  # fmt: skip
def examples(facts: RunFacts) -> DrawnFigure:
    """Up to four testing cases: right and wrong, of each class, on every sequence with the contours."""
    _require_pictures(facts)
    model = leading_model(facts)
    tested = _tested(facts, model)
    cutoff = cutoff_of(facts, model)
    chosen = list(_chosen(facts, tested, cutoff))
    if not chosen:
        raise AbsentError("No testing patient has pictures that can be read.")
    several = tested["patient"].duplicated().any()
    labels = [_label(facts, one, letter, several=several) for letter, one in zip(letters(), chosen, strict=False)]
    drawn = _drawn(facts, chosen, labels)
    frame = pd.DataFrame([_record(facts, one, model, cutoff) for one in chosen])
    said = [_said(facts, one, letter, several=several) for letter, one in zip(letters(), chosen, strict=False)]
    shown = f"{plural(len(chosen), 'testing case')} on {listed(list(facts.protocol.sequences))}"
    alt = f"Axial images of {shown}: {'; '.join(said)}."
    return DrawnFigure(drawn, alt, _notes(facts, tested, model, cutoff, said), frame)


def _require_pictures(facts: RunFacts) -> None:
    if facts.protocol.features is not None:
        raise AbsentError("The study started from a table of features; there were no images.")
    if not facts.protocol.report.quality_pictures:
        raise AbsentError("The study file does not ask for pictures (report.quality_pictures).")
    if not facts.pictures:
        raise AbsentError("prepare/pictures is empty: no lesion passed the checks of the step 'prepare'.")


def _tested(facts: RunFacts, model: str) -> Any:
    """The testing rows of the model's predictions, in the cohort's order."""
    frame = facts.frame("model/predictions.csv")
    rows = frame[(frame["model"] == model) & (frame["set"] == TESTING)] if len(frame) else frame
    if not len(rows) or not rows["probability"].notna().any():
        raise AbsentError("No model has predicted the testing set, so there is no example to choose.")
    cohort = facts.frame("cohort/rows.csv")
    place = {key: index for index, key in enumerate(cohort[LESION].itertuples(index=False, name=None))}
    rows = rows[rows["probability"].notna()]
    own = list(rows[LESION].itertuples(index=False, name=None))
    return rows.iloc[sorted(range(len(own)), key=lambda index: place.get(own[index], len(place)))]


def _chosen(facts: RunFacts, tested: Any, cutoff: float) -> Iterator[Example]:
    """The cases by the rule, the positive class first; a group without readable pictures has none."""
    positive = tested["probability"] >= cutoff
    for outcome in (1, 0):
        of_class = tested["outcome"] == outcome
        for right in (True, False):
            group = tested[of_class & (positive == ((outcome == 1) == right))]
            if not len(group):
                continue
            median = (tested[of_class] if right else group)["probability"].median()
            example = _nearest(facts, group, right=right, median=median)
            if example is not None:
                yield example


def _nearest(facts: RunFacts, group: Any, *, right: bool, median: float) -> Example | None:
    distance = (group["probability"] - float(median)).abs().to_numpy()
    for index in sorted(range(len(group)), key=lambda index: float(distance[index])):  # stable: ties in cohort order
        row = group.iloc[index]
        pictures = axial_pictures(facts, str(row["patient"]), str(row["lesion"]))
        if pictures:
            return Example(row, right, median, pictures)
    return None


def _name(row: Any, *, several: bool) -> str:
    return f"patient {row['patient']}" + (f", lesion {row['lesion']}" if several else "")


def _verdict(one: Example) -> str:
    return "correctly classified" if one.right else "misclassified"


def _label(facts: RunFacts, one: Example, letter: str, *, several: bool) -> tuple[str, ...]:
    return (
        f"{letter}  {facts.groups[int(one.row['outcome'])]}", _name(one.row, several=several),
        f"probability {number(one.row['probability'])}", _verdict(one),
    )  # fmt: skip


def _said(facts: RunFacts, one: Example, letter: str, *, several: bool) -> str:
    return (
        f"{letter}, {_name(one.row, several=several)}, {facts.of_group(int(one.row['outcome']))}, predicted "
        f"{number(one.row['probability'])}, {_verdict(one)}"
    )


def _record(facts: RunFacts, one: Example, model: str, cutoff: float) -> dict[str, Any]:
    return {
        "patient": one.row["patient"], "lesion": one.row["lesion"], "class": facts.groups[int(one.row["outcome"])],
        "outcome": one.row["outcome"], "model": model, "probability": one.row["probability"], "cutoff": cutoff,
        "correct": one.right, "nearest_to": one.median, "sequences": "; ".join(one.pictures), "rule": RULE,
    }  # fmt: skip


def _notes(facts: RunFacts, tested: Any, model: str, cutoff: float, said: list[str]) -> tuple[str, ...]:
    stems = {path.stem for path in facts.pictures}
    several = tested["patient"].duplicated().any()
    without = [
        _name(row, several=several)
        for _, row in tested.iterrows()
        if not any(f"{row['patient']}_{row['lesion']}_{sequence}" in stems for sequence in facts.protocol.sequences)
    ]
    lost = f" Without pictures, and so not eligible: {listed(without)}." if without else ""
    return (
        f"Rule: {RULE}. Model: {model}, the {leading_model_is(facts)}; cut-off {number(cutoff)}.{lost}",
        f"{'; '.join(said)}.",
        f"Axial slice with the largest section of {facts.first_readers} mask, after preparation, windowed from the "
        "lesion and its surround; the patient's right is on the left.",
    )


# --- drawing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sheet:
    """Sizes in inches: the figure's width, the side of a picture, the height of the names above, and of a patient."""

    width: Width
    columns: int
    tile: float
    head: float
    block: float
    heads: Mapping[str, tuple[str, ...]]
    repeated: bool

    def corner(self, place: int) -> tuple[float, float]:
        """The left side of a picture, and its distance from the top of its patient."""
        line, column = divmod(place, self.columns)
        return PAD + _LABEL + column * (self.tile + _TILE_GAP), line * (self.head + self.tile + _TILE_GAP)


def _sheet(sequences: Sequence[str], labels: Sequence[list[tuple[str, bool]]]) -> _Sheet:
    columns = min(len(sequences), _MOST)
    width = width_for(columns)
    room = inches(width) - _LABEL - 2 * PAD
    tile = min(_WIDEST, (room - _TILE_GAP * (columns - 1)) / columns)
    heads = {sequence: tuple(broken(sequence, tile, bold=True)) for sequence in sequences}
    head = max(map(len, heads.values())) * HEADING * _LEADING + 0.04
    lines = -(-len(sequences) // columns)
    repeated = lines > 1  # names above every patient; otherwise above the first one only
    pictures = lines * tile + (lines * head if repeated else 0.0) + _TILE_GAP * (lines - 1)
    return _Sheet(width, columns, tile, head, max(pictures, *map(_height, labels)), heads, repeated)


def _drawn(facts: RunFacts, chosen: list[Example], labels: list[tuple[str, ...]]) -> Figure:
    texts = [_lines(label) for label in labels]
    sheet = _sheet(facts.protocol.sequences, texts)
    height = len(chosen) * (sheet.block + _GAP) + _KEY + (0.0 if sheet.repeated else sheet.head)
    drawn = figure(sheet.width, height, free=True)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.axis("off")
    top = height - (0.0 if sheet.repeated else sheet.head)
    for index, (one, text) in enumerate(zip(chosen, texts, strict=True)):
        _write(axes, text, PAD, top - (sheet.head if sheet.repeated else 0.0))
        for place, (sequence, name) in enumerate(sheet.heads.items()):
            left, down = sheet.corner(place)
            if sheet.repeated or not index:
                _head(axes, name, left + sheet.tile / 2, top - down + (0.0 if sheet.repeated else sheet.head))
            upper = top - down - (sheet.head if sheet.repeated else 0.0)
            _tile(axes, one.pictures.get(sequence), left, upper, sheet.tile)
        top -= sheet.block + _GAP
    _key(axes, facts, inches(sheet.width))
    axes.set(xlim=(0, inches(sheet.width)), ylim=(0, height))  # pictures move the limits
    return drawn


def _lines(label: tuple[str, ...]) -> list[tuple[str, bool]]:
    """The lines of a label, each with True if it is bold."""
    return [
        (line, not index) for index, text in enumerate(label) for line in broken(text, _LABEL - PAD, bold=not index)
    ]


def _height(lines: list[tuple[str, bool]]) -> float:
    return sum(HEADING if bold else LINE for _, bold in lines) * _LEADING + 0.2


def _write(axes: Axes, lines: list[tuple[str, bool]], left: float, top: float) -> None:
    for text, bold in lines:
        size = HEADING if bold else LINE
        top -= size * _LEADING
        axes.text(left, top, text, fontsize=size, weight="bold" if bold else "normal", va="baseline")


def _head(axes: Axes, name: tuple[str, ...], middle: float, top: float) -> None:
    """Write a sequence's name above its pictures."""
    for line in name:
        top -= HEADING * _LEADING
        axes.text(middle, top, line, ha="center", fontsize=HEADING, weight="bold")


def _tile(axes: Axes, picture: Image.Image | None, left: float, upper: float, side: float) -> None:
    """Draw a picture in true proportions inside a square."""
    if picture is None:
        axes.text(left + side / 2, upper - side / 2, "no picture", ha="center", va="center", fontsize=LINE)
        return
    scale = side / max(picture.width, picture.height)
    wide, high, middle = picture.width * scale, picture.height * scale, left + side / 2
    axes.imshow(picture, extent=(middle - wide / 2, middle + wide / 2, upper - high, upper), aspect="auto")


def _key(axes: Axes, facts: RunFacts, width: float) -> None:
    """The key of the contours, below the pictures."""
    drew = set(facts.frame("prepare/lesions.csv")["reader"])
    left, room = PAD, width - 2 * PAD
    own = [(reader, colour) for reader, colour in colours(facts.protocol.cohort.readers) if reader in drew]
    for reader, colour in own:
        dashed = reader != facts.protocol.reader
        axes.plot(
            [left, left + _STROKE], [_KEY / 2, _KEY / 2], color=colour, linewidth=1.6,
            linestyle=(0, (2, 1)) if dashed else "-",
        )  # fmt: skip
        said = f"contour of {reader}" if len(facts.protocol.cohort.readers) > 1 else facts.contours
        name = next(broken(said, room / len(own) - _STROKE - 3 * PAD))
        axes.text(left + _STROKE + PAD, _KEY / 2, name, va="center", fontsize=LINE)
        left += _STROKE + 3 * PAD + measured(name)
