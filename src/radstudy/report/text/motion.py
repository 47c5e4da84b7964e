"""The displacement of the lesions between the phases, if the cohort table has it."""

from __future__ import annotations

from radstudy.report.display import number, plural
from radstudy.report.facts import RunFacts
from radstudy.report.text.paragraph import Paragraph

COLUMN = "motion_mm"  # as `radstudy derive` calls it
_NAMED = 40


def motion(facts: RunFacts) -> list[Paragraph]:
    """Each patient's displacement, the largest first; empty if the study file does not name the column."""
    codebook = facts.protocol.cohort.clinical
    name = next((name for name, entry in codebook.items() if (entry.column or name) == COLUMN), None)
    if name is None:
        return []
    rows = facts.frame("cohort/rows.csv")
    known = rows.dropna(subset=[name]).sort_values([name, "patient"], ascending=[False, True], kind="stable")
    missing = len(rows) - len(known)
    unknown = f" It is not known for {plural(missing, 'lesion')}." if missing else ""
    if not len(known):
        return [
            Paragraph(f"The displacement between the phases is not known for {plural(missing, 'lesion')}.", "Motion")
        ]
    values = known[name].astype(float)
    shown = ", ".join(
        f"{row['patient']}{'' if row['lesion'] == '1' else ' lesion ' + row['lesion']} {number(float(row[name]), 1)}"
        for _, row in known.head(_NAMED).iterrows()
    )
    more = f" (the largest {_NAMED} of {len(known)}; cohort/rows.csv has all)" if len(known) > _NAMED else ""
    return [
        Paragraph(
            "The largest displacement of each lesion between the contrast phases, by a rigid fit, had a median of "
            f"{number(values.median(), 1)} mm ({number(values.min(), 1)} to {number(values.max(), 1)}).{unknown} "
            f"In mm{more}: {shown}. Enhancement maps are computed from the phases as they are.",
            "Motion",
        )
    ]
