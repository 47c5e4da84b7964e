"""Segmentations and structure sets of a source: copied aside, with an index of them, for a reader of masks to use.

They hold names and UIDs, so they lie in the private folder, not among the outputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from radstudy.intake.plan import Plan
from radstudy.intake.sources import Source
from radstudy.store import read_json, write_bytes, write_json


def keep_drawings(plans: Iterable[Plan], source: Source, private: Path) -> int:
    """Copy every SEG and RTSTRUCT into PRIVATE/drawings/<patient>/ and list them in PRIVATE/drawings.json.

    Each entry has: patient (pseudonym), file (relative to the private folder), kind (SEG or RTSTRUCT), series (UIDs
    that it refers to), images (the volumes written of those series, relative to the import's folder, with role).

    Returns
    -------
    How many this source has; those of earlier imports stay in the list.
    """
    index = private / "drawings.json"
    entries = {entry["file"]: entry for entry in read_json(index)} if index.is_file() else {}
    found = 0
    for plan in plans:
        for drawing in plan.patient.drawings:
            found += 1
            with source.open(drawing.file) as opened:
                content = opened.read()
            name = hashlib.blake2b(content, digest_size=8).hexdigest()
            file = Path("drawings") / plan.name / f"{name}.dcm"
            write_bytes(private / file, content)
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
                "images": images,
            }
    if entries:
        write_json(index, list(entries.values()))
    return found
