"""Numbers that remember the cells of the run's files that they come from, until they are printed.

`cited_facts` makes the run's tables and documents hand out such numbers. Arithmetic keeps a formula of their cells
(`expression.py`). Printing one leaves a mark around the text (`marks.py`), which the page turns into an element with
its source, and which Word, CSV and plain text drop. `listing.py` writes report_numbers.csv, and `check.py` reads the
cited cells again.
"""

from radstudy.report.cited.frames import (
    CitedFrame,
    TableRow,
    cited_documents,
    cited_frame,
    cited_numbers,
    counted,
    entries,
    exported,
    keeping_rows,
    plain_frame,
    tally,
    tally_from,
)
from radstudy.report.cited.marks import cite, plain, quoted
from radstudy.report.cited.numbers import CitedFloat, CitedInt, applied, exponential, integer, source_of

__all__ = [
    "CitedFloat",
    "CitedFrame",
    "CitedInt",
    "TableRow",
    "applied",
    "cite",
    "cited_documents",
    "cited_frame",
    "cited_numbers",
    "counted",
    "entries",
    "exponential",
    "exported",
    "integer",
    "keeping_rows",
    "plain",
    "plain_frame",
    "quoted",
    "source_of",
    "tally",
    "tally_from",
]
