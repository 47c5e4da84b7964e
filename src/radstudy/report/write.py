"""Write the report of a run: report.html, its tables and its figures."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from ruamel.yaml import YAML

from radstudy.bugs import Bug, bug_of, hiding
from radstudy.bugs import write as write_bug
from radstudy.errors import is_expected
from radstudy.parallel import finished
from radstudy.printable import printable_in_page
from radstudy.protocol import Protocol
from radstudy.report.cited.listing import NUMBERS_FILE, Listing
from radstudy.report.cited.reader import CellReader
from radstudy.report.cited.settings import SETTINGS_FILE, settings_document
from radstudy.report.facts import RunFacts, read_facts
from radstudy.report.figures import DrawnFigure
from radstudy.report.figures.style import rendered, style, with_notice
from radstudy.report.manuscript import FILE as MANUSCRIPT_FILE
from radstudy.report.manuscript import manuscript
from radstudy.report.outline import LAYERS, outline_of
from radstudy.report.page_script import page_script
from radstudy.report.pictures import colours, picture_files
from radstudy.report.sections import Part, ReportSection, build_sections
from radstudy.report.tables import Table
from radstudy.report.text import alarms
from radstudy.report.text.deviations import PRESET_FILE, preset_document
from radstudy.report.word import word_file
from radstudy.store import csv_bytes, write_bytes, write_json, write_text
from radstudy.workbook import xlsx_bytes


def write_report(protocol: Protocol, run: Path, *, jobs: int = 1) -> Path:
    """Write ``run/report.html``, ``run/report/tables/*``, ``run/report/figures/*`` and ``run/report/pictures/*``.

    Parameters
    ----------
    protocol : the study file.
    run : the run's folder, finished or not: the report says in place what is missing.
    jobs : processes that draw figures and write tables.

    Returns
    -------
    The path of the page: one file that needs no other file and no network; without its script, all is still there.
    """
    facts = read_facts(protocol, run).cited()
    page = run / "report.html"
    with hiding(facts.identifiers), outline_of(protocol.report):
        sections = build_sections(facts)
        sources, pictures = _write_parts(facts, sections, run / "report", jobs)
        for name, content in picture_files(facts, jobs=jobs):
            write_bytes(run / "report" / "pictures" / name, content)
        listing = Listing()
        write_text(page, printable_in_page(listing.page(_page(facts, sections, sources))))
        write_json(run / SETTINGS_FILE, settings_document(protocol))
        if (preset := preset_document(facts)) is not None:
            write_json(run / PRESET_FILE, preset)
        _list_word_tables(listing, sections)
        write_bytes(run / MANUSCRIPT_FILE, manuscript(facts, sections, pictures, listing))
        write_bytes(run / NUMBERS_FILE, csv_bytes(listing.frame(CellReader(run))))
    return page


def _write_parts(
    facts: RunFacts, sections: list[ReportSection], folder: Path, jobs: int
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Write tables and figures; a part that cannot be written says so.

    Returns
    -------
    Figure to its data URI for the page, and figure to its PNG.
    """
    places = [(section.parts, index) for section in sections for index in range(len(section.parts))]
    places = [(parts, index) for parts, index in places if isinstance(parts[index].content, Table | DrawnFigure)]
    parts = [own[index] for own, index in places]
    notice, kinds = facts.protocol.notice, facts.protocol.report.figures
    sources: dict[str, str] = {}
    pictures: dict[str, bytes] = {}
    results = dict(finished(partial(_files_or_bug, notice=notice, kinds=kinds), parts, jobs, named=_title))
    for index, part in enumerate(parts):
        files = results[index]
        if isinstance(files, Bug):
            write_bug(replace(files, doing=f"report: files of {part.name}"))
            own, at = places[index]
            own[at] = part.failed(files)
            continue
        place = folder / ("tables" if isinstance(part.content, Table) else "figures") / part.name
        for kind, content in files.items():
            if kind not in ("svg", "png") or kind in kinds:
                write_bytes(place.with_name(f"{place.name}.{kind}"), content)
        if "svg" in files:
            sources[part.name] = "data:image/svg+xml;base64," + base64.b64encode(files["svg"]).decode("ascii")
            pictures[part.name] = files["png"]
    return sources, pictures


def _list_word_tables(listing: Listing, sections: list[ReportSection]) -> None:
    """Add the numbers of the tables' Word files to the listing."""
    for part in (part for section in sections for part in section.parts if isinstance(part.content, Table)):
        file = f"report/tables/{part.name}.docx"
        for row, cells in enumerate([*part.content.header, *part.content.rows], 1):
            for column, cell in enumerate(cells, 1):
                listing.text(f"{file}, row {row}, cell {column}", f"{cell.text} {cell.below}")
        for line in part.content.footnotes:
            listing.text(f"{file}, footnotes", line)


def _title(part: Part) -> str:
    return f"{part.number}, {part.name}"


def _files_or_bug(part: Part, notice: str, kinds: tuple[str, ...]) -> dict[str, bytes] | Bug:
    try:
        return _files_of(part, notice, kinds)
    except Exception as error:  # one part must not stop the others
        if is_expected(error):
            raise
        return bug_of(error)


def _files_of(part: Part, notice: str, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """The files of a table or figure by their suffix; a figure's SVG, for the page, and PNG, for Word, always."""
    content = part.content
    if isinstance(content, Table):
        word = word_file(content, number=part.number, caption=part.caption, notice=notice)
        flagged = _flagged(content.frame, notice)
        return {"csv": csv_bytes(flagged), "xlsx": xlsx_bytes(flagged), "docx": word}
    with style():
        files = rendered(with_notice(content.figure, notice), {"svg", "png", *kinds})
    if content.frame is not None:
        files["csv"] = csv_bytes(_flagged(content.frame, notice))
    return files


def _flagged(frame: pd.DataFrame, notice: str) -> pd.DataFrame:
    return frame.assign(notice=notice) if notice else frame


def _page(facts: RunFacts, sections: list[ReportSection], sources: dict[str, str]) -> str:
    environment = Environment(
        loader=PackageLoader("radstudy.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["settings_yaml"] = _yaml
    environment.filters["css_string"] = _css_string
    templates = resources.files("radstudy.report") / "templates"
    return environment.get_template("report.html.j2").render(
        protocol=facts.protocol,
        notice=facts.protocol.notice,
        alarms=alarms(facts),
        sections=sections,
        sources=sources,
        readers=colours(facts.protocol.cohort.readers),
        finished=_finished(facts),
        glossary=YAML(typ="safe").load(
            (resources.files("radstudy.report") / "glossary.yaml").read_text(encoding="utf-8")
        ),
        css=(templates / "style.css").read_text(encoding="utf-8"),
        script=page_script(),
        layers=LAYERS,
        anchors={part.anchor for section in sections for part in section.parts},
        empty=[part for section in sections for part in section.parts if part.empty and part.absent],
    )


def _css_string(text: str) -> str:
    """A text as the inside of a CSS string, every other character than letters and digits escaped."""
    return "".join(sign if sign.isascii() and sign.isalnum() else f"\\{ord(sign):x} " for sign in text)


def _finished(facts: RunFacts) -> str:
    times = [record["finished"] for name, record in facts.documents.items() if name.endswith("/provenance.json")]
    return max(times)[:16].replace("T", " ") + " UTC" if times else "not finished"


def _yaml(content: Any) -> str:
    memory = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 110
    yaml.dump(content, memory)
    return memory.getvalue()


__all__ = ["Part", "write_report"]
