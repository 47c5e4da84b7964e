"""The methods text on the reading room: drawing, blinding, tools, repeats, masks taken in, readers who saw outcomes.

Every count comes from cohort/reading.json, which says what was done, not what was planned.
"""

from __future__ import annotations

from typing import Any

from radstudy.protocol.words import listed
from radstudy.report.display import number, plural
from radstudy.report.facts import RunFacts
from radstudy.report.text.sentence import Sentence

READING = "cohort/reading.json"
_TOOLS = {
    "contour": "freehand contours", "polygon": "polygons", "brush": "brush", "sphere": "3D brush",
    "range": "painting within an intensity range", "growing": "region growing",
    "interpolation": "interpolation between slices", "smoothing": "smoothing",
    "islands_holes": "removal of islands and filling of holes", "carried": "masks carried over from another sequence",
    "taken_in": "masks from other programs",
}  # fmt: skip
_IMAGES = {"prepared": "after image preparation", "acquired": "as acquired"}
_WORK = {"masks": "drew", "characteristics": "described", "arbitration": "arbitrated"}


def reading(facts: RunFacts) -> dict[str, Any]:
    """The summary of the reading room; empty if the study was not read there."""
    return dict(facts.documents.get(READING) or {})


def readers_of(facts: RunFacts, task: str = "") -> list[dict[str, Any]]:
    """The readers who closed cases of a task; "" for any."""
    return [one for one in reading(facts).get("readers", []) if one["lesions"] and task in ("", one["task"])]


def _tools(facts: RunFacts) -> dict[str, int]:
    """Tool to voxels, the largest share first."""
    used = {name: count for name, count in reading(facts).get("tools", {}).items() if count}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def _by_hand(facts: RunFacts) -> bool:
    """True if a mask was drawn in the reading room."""
    return any(name != "taken_in" for name in _tools(facts))


def _program(facts: RunFacts) -> str:
    told = reading(facts)
    order = list(_WORK)
    done = sorted(readers_of(facts), key=lambda one: order.index(one["task"]))
    drew = [f"{one['reader']} {_WORK[one['task']]} {plural(one['lesions'], 'lesion')}" for one in done]
    return f"Lesions were read in the reading room of radstudy {told['radstudy']}: {listed(drew)}."


def _shown(facts: RunFacts) -> str:
    strokes = {name: count for name, count in reading(facts)["shown"].items() if count}
    total = sum(strokes.values())
    told = [f"{number(100 * count / total, 1)}% of the strokes on images {_IMAGES.get(name, name)}"
            for name, count in strokes.items()]  # fmt: skip
    return f"Readers drew {listed(told)}."


def _order(facts: RunFacts) -> str:
    return "Each reader met the cases in a random order of their own."


def _blinded(facts: RunFacts) -> str:
    blinded = listed(reading(facts)["blinded_to"])
    return f"The reading room showed pseudonyms only, and nothing of {blinded}."


def _wash_out(facts: RunFacts) -> str:
    told = reading(facts)
    days = told["shortest_wash_out_days"]
    return (
        f"A reader met a patient again, in another task or a repeat, {plural(told['met_again'], 'time')}, after at "
        f"least {number(days, 1)} days ({told['wash_out_days']} were required)."
    )


def _with_tools(facts: RunFacts) -> str:
    used = _tools(facts)
    total = sum(used.values())
    shares = [f"{_TOOLS.get(name, name)} ({number(100 * count / total, 1)}%)" for name, count in used.items()]
    return f"By the tool that added them, the voxels of the masks came from {listed(shares)}."


def _twice_drawn(facts: RunFacts) -> str:
    told = [
        f"{one['reader']} {number(one['dice_median'], 3)} ({number(one['dice_low'], 3)} to "
        f"{number(one['dice_high'], 3)}; {plural(one['masks'], 'pair')} of masks)"
        for one in reading(facts)["repeated_masks"]
    ]
    return (
        "Within each reader, the Dice coefficient of masks drawn again under a new pseudonym had a median of "
        f"{listed(told)}."
    )


def _twice_assessed(facts: RunFacts) -> str:
    told = [
        f"{one['reader']}, {facts.label_of(one['item'])}: {one['measure']} {number(one['value'], 2)} "
        f"({plural(one['lesions'], 'lesion')})"
        for one in _known_items(facts)
    ]
    return f"Agreement within each reader on characteristics assessed again: {'; '.join(told)}."


def _known_items(facts: RunFacts) -> list[dict[str, Any]]:
    return [one for one in reading(facts).get("repeated_items", []) if one["value"] is not None]


def _final(facts: RunFacts) -> str:
    counts = reading(facts)["final_values"]
    words = {
        "agreed": "the answer on which the readers agreed", "averaged": "the mean of the readers' numbers",
        "arbitrated": "the decision of a third reader", "alone": "the answer of the only reader",
    }  # fmt: skip
    told = [f"{words[name]} ({counts[name]})" for name in words if counts.get(name)]
    return f"The value of a characteristic was {listed(told)}."


def _unresolved(facts: RunFacts) -> str:
    count = reading(facts)["final_values"]["unresolved"]
    return f"On {plural(count, 'value')} the readers differed and nobody has decided: missing here."


def _taken_in(facts: RunFacts) -> str:
    told = reading(facts)
    return (
        f"{told['masks_taken_in']} of {plural(told['masks'], 'mask')} were drawn in another program and taken in; of "
        "these, order, display and tools are not known."
    )


def _reopened(facts: RunFacts) -> str:
    count = reading(facts)["reopened"]
    was = "was" if count == 1 else "were"
    return (
        f"{plural(count, 'closed case')} {was} opened again by the study lead, for a reason that the audit names. "
        "Masks and final values are those closed last."
    )


def _arbiter(facts: RunFacts) -> str:
    names = listed([one["reader"] for one in readers_of(facts, "arbitration")])
    return (
        f"To arbitrate, {names} answered first alone, and was then shown the readers' answers without their names, in "
        "an order drawn for each lesion."
    )


def _opened_by(facts: RunFacts) -> list[str]:
    return list(dict.fromkeys(one["reader"] for one in readers_of(facts) if one["opened_outcomes"]))


def _opened(facts: RunFacts) -> str:
    names = listed(_opened_by(facts))
    return f"{names} learned outcomes before closing every case, and so cannot count as blinded to them."


READ = (
    Sentence("reading_room", lambda facts: bool(readers_of(facts)), _program),
    Sentence(
        "reading_fill_rule",
        lambda facts: reading(facts).get("fill_rule") == "voxel_centres"
        and any(_tools(facts).get(name) for name in ("contour", "polygon")),
        lambda _: "A voxel belongs to a contour if its centre lies inside it, on the image's own grid.",
    ),
    Sentence("reading_shown", lambda facts: any(reading(facts).get("shown", {}).values()), _shown),
    Sentence("reading_order", lambda facts: bool(readers_of(facts)) and reading(facts)["order"] == "random", _order),
    Sentence("reading_blinded", lambda facts: bool(readers_of(facts)) and bool(reading(facts)["blinded_to"]), _blinded),
    Sentence("reading_arbiter", lambda facts: bool(readers_of(facts, "arbitration")), _arbiter),
    Sentence("reading_outcomes_opened", lambda facts: bool(_opened_by(facts)), _opened),
    Sentence(
        "reading_wash_out", lambda facts: reading(facts).get("shortest_wash_out_days") is not None, _wash_out
    ),
    Sentence("reading_reopened", lambda facts: bool(reading(facts).get("reopened")), _reopened),
    Sentence("reading_tools", _by_hand, _with_tools),
    Sentence("reading_taken_in", lambda facts: bool(reading(facts).get("masks_taken_in")), _taken_in),
    Sentence("reading_final_values", lambda facts: any(
        count for source, count in reading(facts).get("final_values", {}).items() if source != "unresolved"), _final),
    Sentence(
        "reading_unresolved", lambda facts: bool(reading(facts).get("final_values", {}).get("unresolved")), _unresolved
    ),
    Sentence("reading_masks_repeated", lambda facts: bool(reading(facts).get("repeated_masks")), _twice_drawn),
    Sentence("reading_items_repeated", lambda facts: bool(_known_items(facts)), _twice_assessed),
)  # fmt: skip
