"""The files of the record that the reading room writes beside the study file; no step of a run writes them."""

from __future__ import annotations

from radstudy.artefacts.common import LESION, PATIENT, SEQUENCE
from radstudy.artefacts.declaration import Column, ColumnKind, JsonFile, TableFile, boolean, integer, number, text

TOOL_COLUMNS = (  # the tools that put voxels into a mask, in the order of their codes from 1
    "contour", "polygon", "brush", "sphere", "range", "growing", "interpolation", "smoothing", "islands_holes",
    "carried", "taken_in",
)  # fmt: skip
LIKELIHOOD, COMMENT = "likelihood", "comment"  # what a form asks beside its items
NOT_ASSESSABLE = "not assessable"  # an answer that is no observation
FINAL, ARBITER, COMPUTED_VALUE = "_final", "_arbiter", "_computed"  # ends of an item's columns


def first_answer(item: str, place: int) -> str:
    """The column of a reader's first locked answer to an item; readers are counted from 1.

    Examples
    --------
    >>> first_answer("margin", 2)
    'margin_r2'
    """
    return f"{item}_r{place}"


_READER = text("reader", "Reader, by the name in the study file.")
_TASK = text("task", "Task: masks, characteristics or arbitration.")
ANSWERS = TableFile(
    "answers.csv", "The characteristics of every lesion: each reader's first locked answers, and the final values.",
    ("cohort", "agree"),
    columns=(PATIENT, LESION),
    more=Column("<item>_r1, _r2, _arbiter, _final, _computed", ColumnKind.ANY, "Of every item of the form: the first "
                "locked answer of each reader, the arbiter's decision, the value for the study's tables, and what the "
                "program computed from mask and phases."),
)  # fmt: skip
VISIBILITY = TableFile(
    "visibility.csv", "What each reader said of each sequence.", ("cohort",),
    columns=(
        PATIENT, LESION, SEQUENCE, _READER,
        boolean("visible", "True if the lesion is seen on the sequence; empty if the reader did not say.",
                optional=True),
        boolean("evaluable", "True if the image can be judged; empty if the reader did not say.", optional=True),
        text("reason", "Reason why it cannot be judged."),
        integer("quality", "Image quality from 1 to 5.", optional=True),
        _TASK,
    ),
)  # fmt: skip
AUDIT = TableFile(
    "audit.csv", "Everything that readers and the study lead did, in order.",
    columns=(
        text("at", "Time, in UTC."), _READER, _TASK, PATIENT, LESION,
        text("sequence", "Sequence; empty if the event does not concern one."), text("event", "What was done."),
        text("detail", "Remarks, such as the reason for reopening a case."),
    ),
)  # fmt: skip
TOOLS = TableFile(
    "tools.csv", "The tools that each mask was drawn with, and the settings of the display.",
    columns=(
        PATIENT, LESION, SEQUENCE, _READER, integer("voxels", "Voxels of the mask."),
        *(integer(name, f"Voxels that the tool {name} put into the mask.") for name in TOOL_COLUMNS),
        text("display", "JSON: the settings of the display, each with the number of strokes drawn with them."),
    ),
)  # fmt: skip
_OF_READER = (
    _READER, _TASK, integer("lesions", "Lesions that the reader has closed; of the task masks, those with a mask."),
    boolean("opened_outcomes", "True if the reader learned outcomes before closing every case."),
)  # fmt: skip
_REPEATED_MASKS = (
    _READER, integer("masks", "Pairs of masks that the reader drew of one lesion on one sequence."),
    number("dice_median", "Median Dice coefficient of the pairs."),
    number("dice_low", "Smallest Dice coefficient."), number("dice_high", "Largest Dice coefficient."),
)  # fmt: skip
_REPEATED_ITEMS = (
    _READER, text("item", "Item of the form."), integer("lesions", "Lesions that the reader assessed twice."),
    text("measure", "kappa, or ICC(2,1) for numbers."),
    number("value", "Agreement of the reader's first answers with those of the repeat; null if it is not defined."),
)  # fmt: skip
SUMMARY_FIELDS = (
    text("radstudy", "Version of the program."),
    text("fill_rule", "Rule by which a contour is filled: voxel_centres."),
    text("image", "Image that is shown first: prepared or acquired."),
    text("order", "Order of the cases: random for each reader."),
    Column("blinded_to", ColumnKind.LIST, "What readers are not shown."),
    integer("masks", "Masks that were drawn or taken in, without repeats."),
    integer("masks_taken_in", "Masks that were drawn in another program and taken in."),
    Column("shown", ColumnKind.OBJECT, "Image (prepared, acquired) to the strokes that were drawn on it."),
    Column("tools", ColumnKind.OBJECT, "Tool to the voxels that it put into the masks, taken-in masks included."),
    Column("readers", ColumnKind.LIST, "Readers and what they have done.", fields=_OF_READER),
    integer("wash_out_days", "Days that had to pass before a reader met a patient again."),
    integer("reopened", "Cases that the study lead opened again after they were closed, and that were closed again."),
    integer("met_again", "Times that a reader met a patient again, in another task or a repeat."),
    number("shortest_wash_out_days", "Fewest days that passed before; null if it never happened.", "d"),
    Column("repeated_masks", ColumnKind.LIST, "Agreement within each reader, of masks.", fields=_REPEATED_MASKS),
    Column("repeated_items", ColumnKind.LIST, "Agreement within each reader, of the form's items.",
           fields=_REPEATED_ITEMS),
    Column("final_values", ColumnKind.OBJECT, "Origin of the final values (agreed, averaged, arbitrated, alone, "
           "unresolved) to their number."),
)  # fmt: skip
SUMMARY = JsonFile(
    "summary.json", "What the methods text says of the reading.", ("cohort",), fields=SUMMARY_FIELDS,
)  # fmt: skip
DECLARED = (ANSWERS, VISIBILITY, AUDIT, TOOLS, SUMMARY)
