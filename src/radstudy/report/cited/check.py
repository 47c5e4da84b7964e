"""The check of a report's numbers: each is compared with the cells that it cites, read again from the run's folder."""

from __future__ import annotations

import html
import itertools
import math
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.errors import UsageError
from radstudy.report.cited.expression import CellRange, evaluate
from radstudy.report.cited.listing import NUMBERS_FILE
from radstudy.report.cited.reader import CellError, CellReader
from radstudy.store import read_csv

_DATA = re.compile(r'<data value="(\d+)" data-source="[^"]*">([^<]*)</data>')
_PAGE = "report.html"


@dataclass(frozen=True)
class NumberMismatch:
    """A number of the report that is not that of the cells that it cites.

    Parameters
    ----------
    where, shown : place in the report, and text.
    cited : the cell, or the formula of several cells.
    problem : what differs.
    """

    where: str
    shown: str
    cited: str
    problem: str


def check_numbers(run: Path) -> list[NumberMismatch]:
    """Read the cells that a report cites again, and compare them with the text of each number.

    Parameters
    ----------
    run : the run's folder, with its report.

    Returns
    -------
    The numbers that differ at the precision shown, whose cells are not written as they were when the report was made,
    or which the page prints otherwise than report_numbers.csv. None if the report is that of its run.

    Raises
    ------
    UsageError : the run has no list of its report's numbers.
    """
    file = run / NUMBERS_FILE
    if not file.is_file():
        raise UsageError(f"{file} is missing: the report is of an earlier version, or the run has not finished. To do: "
                         "make the report again with 'radstudy run'")  # fmt: skip
    listed = read_csv(file, dtype=str, keep_default_na=False)
    reader = CellReader(run)
    groups = itertools.groupby(listed.to_dict("records"), key=itemgetter("number"))
    problems = [one for _, group in groups for one in _of_number(list(group), reader)]
    return [*problems, *_of_page(listed, run / _PAGE)]


def _of_number(group: list[dict[Hashable, Any]], reader: CellReader) -> Iterator[NumberMismatch]:
    first = group[0]
    values: list[Any] = []
    for row in group:
        cells, value = CellRange(row["file"], row["row"], row["column"]), row["value"]
        cited = f"{cells.file}, row {cells.rows}, {cells.column}"
        try:
            now = reader.recorded(cells)
            values.append(reader.value(cells))
        except CellError as error:
            yield NumberMismatch(first["where"], first["shown"], cited, str(error))
            return
        if now != value:
            yield NumberMismatch(first["where"], first["shown"], cited, f"was {value}, is {now}")
    try:
        problem = _difference(first["shown"], first["formula"], values)
    except ValueError as error:
        problem = str(error)
    if problem:
        yield NumberMismatch(first["where"], first["shown"], first["formula"], problem)


def _difference(shown: str, formula: str, values: list[Any]) -> str:
    """Difference between a shown text and its formula's value, in words; "" if there is none."""
    if formula == "text(A)":
        text = getattr(values[0], "raw", str(values[0]))
        return "" if all(part in text for part in shown.split("; ")) else f"the cell says: {text}"
    value = evaluate(formula, values)
    return "" if agrees(shown, value) else f"the value is {value!r}"


def agrees(shown: str, value: Any) -> bool:
    """True if a printed number is a value rounded to the digits that are printed.

    Parameters
    ----------
    shown : such as 0.750, <0.001, 1,218 or 45.2%.
    value : the exact value.

    Examples
    --------
    >>> agrees("0.750", 0.7504), agrees("0.750", 0.7506), agrees("<0.001", 0.0002)
    (True, False, True)
    """
    text = shown.replace("\N{MINUS SIGN}", "-").replace(",", "").removeprefix("p ").strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text == str(value)
    if text.startswith("<"):
        return value < float(text[1:])
    if text.startswith(">"):
        return value >= float(text[1:])
    if text.endswith("\N{INFINITY}"):
        return math.isinf(value)
    try:
        printed = Decimal(text.removeprefix("=").strip().removesuffix("%"))
    except InvalidOperation:
        return False
    scale = 100 if text.endswith("%") else 1
    exponent = printed.as_tuple().exponent
    half = 0.5 * 10.0 ** int(exponent)
    return math.isfinite(value) and abs(scale * value - float(printed)) <= half * (1 + 1e-6) + 1e-12 * abs(value)


def _of_page(listed: pd.DataFrame, page: Path) -> Iterator[NumberMismatch]:
    """Numbers that the page does not print as they are listed."""
    own = listed[listed["where"].str.startswith(_PAGE)].drop_duplicates("number")
    expected = dict(zip(own["number"], own["shown"], strict=True))
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        yield NumberMismatch(_PAGE, "", "", f"cannot be read: {error}")
        return
    printed = {number: html.unescape(shown) for number, shown in _DATA.findall(text)}
    for number in dict.fromkeys([*expected, *printed]):
        if expected.get(number) != printed.get(number):
            yield NumberMismatch(_PAGE, printed.get(number, ""), f"number {number} of {NUMBERS_FILE}",
                                 f"it is listed as {expected.get(number, 'nothing')}")  # fmt: skip
