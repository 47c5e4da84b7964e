"""A CSV as its characters: where each cell stands, and the text with some cells changed and all else as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from radstudy.cells import guarded, unguarded
from radstudy.cohort.changes import Added, CannotChangeError, CellChange, GridRow, TableGrid, shown_cell
from radstudy.cohort.spreadsheet import SEPARATORS, column_name, csv_layout
from radstudy.encoding import Encoding, encoding_of

_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_UNDEFINED = re.compile("[\udc80-\udcff]")  # bytes that the encoding does not define
_SPECIAL = frozenset('"\r\n')


@dataclass(frozen=True)
class CsvField:
    """A cell of a CSV.

    Parameters
    ----------
    start, end : of its characters in the text, with its quotes.
    value : without the quotes.
    is_quoted : True if it stands in quotes.
    """

    start: int
    end: int
    value: str
    is_quoted: bool


@dataclass(frozen=True)
class CsvRecord:
    """A row of a CSV.

    Parameters
    ----------
    line : number of its first line in the file, counted from 1.
    fields : its cells; none on an empty line.
    end : where its last cell ends.
    line_end : what follows there; "" at the end of the file.
    """

    line: int
    fields: tuple[CsvField, ...]
    end: int
    line_end: str


@dataclass(frozen=True)
class CsvText:
    """The characters of a CSV, and the places of its cells.

    Parameters
    ----------
    file : named in messages.
    encoding : of its bytes.
    text : its characters, without a byte order mark.
    separator : of its cells.
    records : the heading first, then all rows.
    """

    file: Path
    encoding: Encoding
    text: str
    separator: str
    records: tuple[CsvRecord, ...]

    @classmethod
    def of(cls, file: Path, raw: bytes) -> CsvText:
        """The text of a CSV that `read_sheet` can read.

        Raises
        ------
        CannotChangeError : its bytes cannot be written back as they are.
        """
        encoding = encoding_of(raw)
        body = raw[len(encoding.mark) :]
        text = _characters(file, body, encoding)
        _, skipped, separator = csv_layout(text)
        return cls(file, encoding, text, separator, tuple(_records(text, separator, skipped)))

    @cached_property
    def grid(self) -> TableGrid:
        """Its cells as they are shown: the columns with a heading or content, the rows with content."""
        heading, *rows = self.records or (CsvRecord(1, (), 0, ""),)
        width = len(heading.fields)
        filled = [record for record in rows if any(field.value.strip() for field in record.fields)]
        texts = [[_shown(field) for field in record.fields[:width]] for record in filled]
        texts = [row + [""] * (width - len(row)) for row in texts]
        names = [field.value.strip() for field in heading.fields]
        kept = [n for n, name in enumerate(names) if name or any(row[n] for row in texts)]
        return TableGrid(
            columns=tuple(column_name(names[n] or f"Unnamed: {n}") for n in kept), places=tuple(kept),
            rows=tuple(
                GridRow(record.line, tuple(row[n] for n in kept)) for record, row in zip(filled, texts, strict=True)
            ),
        )  # fmt: skip

    def changed(self, changes: Iterable[CellChange], added: Added) -> bytes:
        """The file's bytes with cells changed, and rows and columns added.

        Parameters
        ----------
        changes : of cells of the grid; a column beyond it is the first that is added, and so on.
        added : rows and columns.

        Raises
        ------
        CannotChangeError : a text cannot be written in the file's encoding.
        """
        pieces = self._pieces(changes, added)
        text, last = [], 0
        for (start, end), piece in sorted(pieces.items()):
            text += [self.text[last:start], piece]
            last = end
        whole = "".join([*text, self.text[last:]])
        return self._encoded(whole + self._new_lines(whole, added))

    @property
    def lines(self) -> tuple[int, ...]:
        """The line of each row with cells, the heading left out."""
        return tuple(record.line for record in self.records[1:] if record.fields)

    @property
    def locked(self) -> Mapping[tuple[int, int], str]:
        """No cell is locked: a CSV has no formulas."""
        return {}

    @property
    def _width(self) -> int:
        return len(self.records[0].fields)

    def _pieces(self, changes: Iterable[CellChange], added: Added) -> dict[tuple[int, int], str]:
        """Replacements by the characters that they replace, of none where something is inserted."""
        places = [*self.grid.places, *range(self._width, self._width + len(added.columns))]
        by_line: dict[int, dict[int, str]] = {}
        for change in changes:
            by_line.setdefault(change.line, {})[places[change.column]] = change.text
        beyond = any(place >= len(record.fields) for record in self.records for place in by_line.get(record.line, ()))
        pieces: dict[tuple[int, int], str] = {}
        for number, record in enumerate(self.records):
            new = dict(by_line.get(record.line, {}))
            if number == 0:
                new |= {self._width + n: name for n, name in enumerate(added.columns)}
            if record.fields:
                self._change_record(record, new, pieces, fill=bool(beyond or added))
        if added.columns:
            for record in self.records[1:]:
                self._insert_columns(record, by_line.get(record.line, {}), len(added.columns), pieces)
        return pieces

    def _change_record(
        self, record: CsvRecord, new: Mapping[int, str], pieces: dict[tuple[int, int], str], *, fill: bool
    ) -> None:
        """Replace the cells of a row; append those that it lacks, all up to the heading's width if any."""
        is_heading = record is self.records[0]
        present = len(record.fields)
        for place, text in sorted(new.items()):
            if place < min(present, self._width):
                field = record.fields[place]
                pieces[field.start, field.end] = self._cell(text, field.is_quoted)
        last = max(new, default=-1) if is_heading else self._width - 1
        if not fill or last < present:
            return
        cells = [self._cell(new.get(place, ""), False, heading=is_heading) for place in range(present, last + 1)]
        at = (record.end, record.end)  # where an empty last cell stands, too
        pieces[at] = pieces.get(at, "") + "".join(f"{self.separator}{cell}" for cell in cells)

    def _insert_columns(
        self, record: CsvRecord, new: Mapping[int, str], count: int, pieces: dict[tuple[int, int], str]
    ) -> None:
        """Insert the cells of new columns behind those of the heading's width."""
        if not record.fields:
            return
        at = record.fields[self._width - 1].end if len(record.fields) >= self._width else record.end
        cells = [self._cell(new.get(self._width + n, ""), False) for n in range(count)]
        pieces[at, at] = pieces.get((at, at), "") + "".join(f"{self.separator}{cell}" for cell in cells)

    def _new_lines(self, text: str, added: Added) -> str:
        if not added.rows:
            return ""
        end = next((record.line_end for record in self.records if record.line_end), "\n")
        is_ended = text.endswith(("\r", "\n"))
        lines = [self._new_line(row) for row in added.rows]
        return end.join(lines) + end if is_ended else end + end.join(lines)

    def _new_line(self, row: Sequence[str]) -> str:
        cells = dict(zip(self.grid.places, row, strict=False))
        known = [self._cell(cells.get(place, ""), self._usually_quoted[place]) for place in range(self._width)]
        more = [self._cell(text, False) for text in row[len(self.grid.places) :]]
        return self.separator.join([*known, *more])

    @cached_property
    def _usually_quoted(self) -> list[bool]:
        """For each column, True if all its cells stand in quotes."""
        rows = [record.fields for record in self.records[1:] if record.fields]
        return [
            bool(rows) and all(place < len(row) and row[place].is_quoted for row in rows)
            for place in range(self._width)
        ]

    def _cell(self, text: str, is_quoted: bool, *, heading: bool = False) -> str:
        written = guarded(_LINE_END.sub("\n", text))
        special = _SPECIAL | (set(SEPARATORS) if heading else {self.separator})
        alone = not written and self._width == 1  # else the line would be empty
        if is_quoted or alone or not special.isdisjoint(written) or written != written.strip():
            return '"' + written.replace('"', '""') + '"'
        return written

    def _encoded(self, text: str) -> bytes:
        try:
            return self.encoding.mark + text.encode(self.encoding.codec, errors=_errors(self.encoding))
        except UnicodeEncodeError as error:
            letter = error.object[error.start]
            raise CannotChangeError(
                f"{self.file.name} is a text in {self.encoding.name or 'UTF-8'}, which has no '{letter}'. To do: write "
                "it otherwise, or save the table as CSV UTF-8 first"
            ) from None


def _characters(file: Path, body: bytes, encoding: Encoding) -> str:
    errors = _errors(encoding)
    try:
        text = body.decode(encoding.codec, errors=errors)
        if text.encode(encoding.codec, errors=errors) == body:
            return text
    except UnicodeError:
        pass
    raise CannotChangeError(
        f"{file.name} has bytes that are not {encoding.name or 'UTF-8'}, so it cannot be changed without changing "
        "them, too. To do: save it again as CSV UTF-8"
    )


def _errors(encoding: Encoding) -> str:
    """Bytes that Windows-1252 does not define are kept as they are."""
    return "surrogateescape" if encoding.codec == "cp1252" else "strict"


def _records(text: str, separator: str, skipped: int) -> Iterable[CsvRecord]:
    """All rows; as Python's `csv` reads them in its strict form, with their places."""
    plain = re.compile(rf"[^{re.escape(separator)}\r\n]*")
    at, line = 0, 1
    for _ in range(skipped):
        end = _LINE_END.search(text, at)
        at = end.end() if end else len(text)
        line += 1
    while at < len(text):
        start, fields = at, list[CsvField]()
        while True:
            field = _field(text, at, plain)
            fields.append(field)
            at = field.end
            if text[at : at + 1] != separator:
                break
            at += 1
        end = _LINE_END.match(text, at)
        if end is None and at < len(text):
            raise CannotChangeError(f"line {line} of the table has a double quote inside a cell that stands in quotes")
        blank = len(fields) == 1 and fields[0].start == fields[0].end
        yield CsvRecord(line, () if blank else tuple(fields), at, end[0] if end else "")
        at = end.end() if end else len(text)
        line += len(_LINE_END.findall(text, start, at)) if end else 1


def _field(text: str, at: int, plain: re.Pattern[str]) -> CsvField:
    if text[at : at + 1] == '"' and (quoted := _QUOTED.match(text, at)):
        return CsvField(at, quoted.end(), quoted[0][1:-1].replace('""', '"'), True)
    written = plain.match(text, at)
    assert written is not None  # it fits an empty text, too
    return CsvField(at, written.end(), written[0], False)


def _shown(field: CsvField) -> str:
    text = _UNDEFINED.sub("\ufffd", _LINE_END.sub("\n", field.value))
    return shown_cell(unguarded(text))
