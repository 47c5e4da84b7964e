"""The patients of a study: the cohort table as a sheet, its problems and counts, outcomes pasted, the codebook."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import QueryParams

from radstudy.app.lead import codebook_page, pasted_outcomes
from radstudy.app.lead.cohort_checks import command_of, state_of
from radstudy.app.lead.cohort_table import (
    CohortSheet,
    SavedTable,
    begin_table,
    read_table_sheet,
    save_cells,
    table_path,
    understood,
)
from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.pasted_outcomes import GivenOutcomes
from radstudy.app.lead.projects import Project
from radstudy.app.lead.protocol_page import Saved
from radstudy.app.pages.study_page import Asking, Doing, StudyPage
from radstudy.app.web.answers import Body, NothingBody
from radstudy.app.web.needs import ConflictError, IncompleteError, Json
from radstudy.cohort.changes import Added, CellChange
from radstudy.cohort.table_file import ChangedSinceError
from radstudy.errors import RadstudyError
from radstudy.protocol import Protocol
from radstudy.store import plain

_MOST_CELLS, _MOST_BYTES = 400_000, 16 << 20
_Text = Annotated[str, Field(max_length=32_000)]
_Version = Annotated[str, Field(max_length=64)]
_Count = Annotated[int, Field(ge=0, le=2_000_000)]
Result = TypeVar("Result")


class CellPart(BaseModel):
    """A cell's new text."""

    model_config = ConfigDict(extra="forbid", strict=True)
    line: _Count
    column: _Count
    text: _Text


class CellsBody(Body):
    """Cells to write, and rows and columns to add, into the table of a version."""

    version: _Version
    cells: Annotated[list[CellPart], Field(max_length=_MOST_CELLS)]
    rows: Annotated[list[list[_Text]], Field(max_length=100_000)]
    columns: Annotated[list[_Text], Field(max_length=1_000)]


class BlockBody(Body):
    """A block of typed or pasted cells, with the numbers of their columns."""

    columns: Annotated[list[_Count], Field(max_length=16_000)]
    cells: Annotated[list[list[_Text]], Field(max_length=100_000)]


class PastedOutcomesBody(Body):
    """Pasted outcomes: a text, or a file in base64."""

    version: _Version = ""
    text: Annotated[str, Field(max_length=8 << 20)] = ""
    file: Annotated[str, Field(max_length=12 << 20)] = ""
    heading: Literal["auto", "yes", "no"] = "auto"
    meanings: Annotated[dict[_Text, _Text], Field(max_length=100)]


class VariableBody(Body):
    """A clinical variable for the study file of a version."""

    version: _Version
    column: Annotated[str, Field(min_length=1, max_length=200)]
    label: Annotated[str, Field(max_length=200)] = ""
    unit: Annotated[str, Field(max_length=60)] = ""
    levels: Annotated[list[_Text], Field(max_length=100)] | None = None
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    table: Literal["clinical", "imaging"] = "clinical"


class ExclusionBody(Body):
    """The name of the column with reasons for exclusion, for the study file of a version."""

    version: _Version
    column: Annotated[str, Field(min_length=1, max_length=200)]


def _shown(project: Project) -> Json:
    protocol = protocol_of(project)
    if protocol is None:
        return {"state": "no_study", "refused": "", "data": {}, "command": "", "file": ""}
    file = table_path(project, protocol)
    shown = {"command": command_of(project), "file": str(file), "refused": "", "data": {}}
    if not file.exists():
        return {**shown, "state": "no_table"}
    try:
        return {**shown, "state": "table", "data": plain(_document(project, protocol))}
    except RadstudyError as error:
        return {**shown, "state": "refused", "refused": str(error)}


def _document(project: Project, protocol: Protocol) -> Json:
    sheet = read_table_sheet(project, protocol)
    return {
        "version": sheet.table.version, "name": sheet.table.file.name,
        "columns": [asdict(column) for column in sheet.columns],
        "rows": [[row.line, *row.cells] for row in sheet.grid.rows],
        "locked": [[line, column, why] for (line, column), why in sheet.table.text.locked.items()],
        "key": _key(sheet), **_state(project, protocol, sheet),
    }  # fmt: skip


def _key(sheet: CohortSheet) -> list[int]:
    """The columns by which a row is known."""
    roles = {column.role: n for n, column in enumerate(sheet.columns)}
    return [roles[role] for role in ("patient", "lesion") if role in roles]


def _state(project: Project, protocol: Protocol, sheet: CohortSheet) -> Json:
    state = state_of(project, protocol, sheet)
    return {
        "state": asdict(state), "labels": list(protocol.cohort.outcome.labels or ()),
        "codebook": [asdict(one) for one in codebook_page.codebook_of(protocol)],
        "proposals": [asdict(one) for one in codebook_page.proposals_of(protocol, sheet)],
        "study": codebook_page.study_version(project), "excludes": protocol.cohort.exclude or "",
        "outcome": protocol.cohort.outcome.column, "has_key": (project.private / pasted_outcomes.KEY).is_file(),
    }  # fmt: skip


def _protocol(project: Project) -> Protocol:
    protocol = protocol_of(project)
    if protocol is None:
        raise IncompleteError("the study file is refused now: see the page of the protocol")
    return protocol


def _table(project: Project, _: QueryParams) -> Json:
    return _document(project, _protocol(project))


def _unless_changed(project: Project, act: Callable[[], Result]) -> Result:
    """Do something to the table; if another has changed it meanwhile, the answer has it as it is now."""
    try:
        return act()
    except ChangedSinceError as error:
        raise ConflictError(str(error), {"table": _document(project, _protocol(project))}) from error


def _save(project: Project, body: CellsBody) -> Json:
    protocol = _protocol(project)
    changes = [CellChange(cell.line, cell.column, cell.text) for cell in body.cells]
    added = Added(tuple(body.columns), tuple(map(tuple, body.rows)))
    saved = _unless_changed(project, lambda: save_cells(project, protocol, body.version, changes, added))
    return _saved(project, protocol, saved)


def _saved(project: Project, protocol: Protocol, saved: SavedTable) -> Json:
    sheet = read_table_sheet(project, protocol)
    return {
        "version": saved.table.version, "lines": [list(pair) for pair in saved.lines.items()], "added": saved.added,
        "changes": saved.changes, "columns": [asdict(column) for column in sheet.columns],
        **_state(project, protocol, sheet),
    }  # fmt: skip


def _understood(project: Project, body: BlockBody) -> Json:
    sheet = read_table_sheet(project, _protocol(project))
    return {"cells": understood(sheet, body.columns, body.cells)}


def _given(body: PastedOutcomesBody) -> GivenOutcomes:
    if not body.file:
        return GivenOutcomes(body.text, body.heading, body.meanings)
    try:
        return GivenOutcomes(base64.b64decode(body.file, validate=True), body.heading, body.meanings)
    except binascii.Error:
        raise IncompleteError("the file did not arrive whole: choose it again") from None


def _match(project: Project, body: PastedOutcomesBody) -> Json:
    match = pasted_outcomes.match_outcomes(project, _protocol(project), _given(body))
    return {**{name: value for name, value in asdict(match).items() if name != "changes"}, "may": match.may_write}


def _outcomes(project: Project, body: PastedOutcomesBody) -> Json:
    protocol, given = _protocol(project), _given(body)
    saved = _unless_changed(project, lambda: pasted_outcomes.write_outcomes(project, protocol, body.version, given))
    return {"cells": len(saved.changes)}


def _begin(project: Project, _: NothingBody) -> Json:
    begin_table(project, _protocol(project))
    return {}


def _variable(project: Project, body: VariableBody) -> Json:
    levels = None if body.levels is None else tuple(body.levels)
    limits = None if body.range is None else (body.range[0], body.range[1])
    variable = codebook_page.NewVariable(body.column, body.label, body.unit, levels, limits, body.table)
    return _study_saved(codebook_page.add_variable(project, body.version, variable))


def _exclusions(project: Project, body: ExclusionBody) -> Json:
    return _study_saved(codebook_page.name_exclusions(project, body.version, body.column))


def _study_saved(saved: Saved) -> Json:
    if saved.theirs is not None:
        raise ConflictError("the study file was changed elsewhere meanwhile: load the page again, and repeat this")
    if not saved.is_written:
        raise IncompleteError(" ".join(problem.message for problem in saved.problems))
    return {"changes": [_lines(change) for change in saved.changes]}


def _lines(change: Any) -> Json:
    return {"line": change.line, "before": change.before, "after": change.after}


COHORT = StudyPage(
    "cohort", _shown, styled=True, asks={"table": Asking(_table)},
    does={
        "save": Doing(CellsBody, _save), "understood": Doing(BlockBody, _understood),
        "match": Doing(PastedOutcomesBody, _match), "outcomes": Doing(PastedOutcomesBody, _outcomes),
        "begin": Doing(NothingBody, _begin), "variable": Doing(VariableBody, _variable),
        "exclusions": Doing(ExclusionBody, _exclusions),
    },
    sections=("flow",), most_bytes=_MOST_BYTES,
)  # fmt: skip
