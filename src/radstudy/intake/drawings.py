"""Segmentations and structure sets of a source: copied and indexed, so that masks can be written from them.

They contain names and UIDs, so they are kept in the private folder, not among the outputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from radstudy.intake.beside import SLICER
from radstudy.intake.plan import Plan
from radstudy.intake.pseudonyms import Pseudonyms
from radstudy.intake.remembered import remembered
from radstudy.intake.sources import Source
from radstudy.store import write_bytes, write_json


def keep_drawings(plans: Iterable[Plan], source: Source, private: Path, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
    """Copy every SEG and RTSTRUCT into PRIVATE/drawings/<patient>/ and list them in PRIVATE/drawings.json.

    Each entry has: patient (pseudonym), file (relative to the private folder; named by a keyed mark, under which
    masks.csv lists it), kind (SEG, RTSTRUCT or SLICER), series and spaces (UIDs of the series and frames of reference
    that it refers to), identity (patient and study in its header), images (the volumes written from those series,
    relative to the import's folder, with role), source (its name in the source, "" if pulled by this program),
    by_folder (whether patient and series were found by its folder) and authorship (author and time).

    Returns
    -------
    All entries, those of earlier imports first.
    """
    index = private / "drawings.json"
    earlier = remembered(index, list, "the drawings of earlier imports are not known")
    entries = {entry["file"]: entry for entry in earlier}
    for plan in plans:
        marked = {pseudonyms.mark("drawing", drawing.uid): drawing for drawing in plan.patient.drawings}
        for mark, drawing in sorted(marked.items()):  # the same order from every kind of source
            with source.open(drawing.file) as opened:
                content = opened.read()
            file = Path("drawings") / plan.name / f"{mark}{'.seg.nrrd' if drawing.kind == SLICER else '.dcm'}"
            write_bytes(private / file, content, private=True)
            images = [
                {"file": f"{plan.name}/{item.file}", "role": item.decision.role}
                for item in plan.items
                if item.file and item.decision.stack.frames[0].identity.series_uid in drawing.of_series
            ]
            entries[file.as_posix()] = {
                "patient": plan.name,
                "file": file.as_posix(),
                "kind": drawing.kind,
                "series": list(drawing.of_series),
                "spaces": list(drawing.spaces),
                "identity": asdict(drawing.identity),
                "images": images,
                "source": drawing.file if getattr(source, "only", None) is None else "",
                "by_folder": drawing.by_folder,
                "authorship": asdict(drawing.authorship),
            }
    if entries:
        write_json(index, list(entries.values()), private=True)
    return list(entries.values())
