"""Write the report of a run: report.html, its tables and its figures."""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from ruamel.yaml import YAML

from radstudy.bugs import hiding
from radstudy.printable import printable_in_page
from radstudy.protocol import Protocol
from radstudy.report.cited.listing import NUMBERS_FILE, Listing
from radstudy.report.cited.reader import CellReader
from radstudy.report.cited.settings import SETTINGS_FILE, settings_document
from radstudy.report.facts import RunFacts, read_facts
from radstudy.report.files import RunSource, write_files
from radstudy.report.manuscript import FILE as MANUSCRIPT_FILE
from radstudy.report.manuscript import manuscript
from radstudy.report.outline import LAYERS, VALIDATION, outline_of
from radstudy.report.page_layout import PRINTED_ALBUMS, caption_lines, print_size, svg_width, wordy
from radstudy.report.page_script import page_script
from radstudy.report.pictures import colours
from radstudy.report.sections import Part, ReportSection, build_sections
from radstudy.report.tables import Table
from radstudy.report.text import alarms
from radstudy.report.text.deviations import PRESET_FILE, preset_document
from radstudy.report.validation.text import alarms as validation_alarms
from radstudy.store import csv_bytes, write_bytes, write_json, write_text


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
        sections = build_sections(facts, later=("figure",) if jobs > 1 else ())
        figures = write_files(RunSource(protocol, run.absolute()), sections, jobs)  # any process reads them
        listing = Listing()
        write_text(page, printable_in_page(listing.page(_page(facts, sections, figures.sources))))
        write_json(run / SETTINGS_FILE, settings_document(protocol))
        if (preset := preset_document(facts)) is not None:
            write_json(run / PRESET_FILE, preset)
        _list_word_tables(listing, sections)
        if not facts.sealed:  # a paper without its results is none
            write_bytes(run / MANUSCRIPT_FILE, manuscript(facts, sections, figures.pictures, listing))
        write_bytes(run / NUMBERS_FILE, csv_bytes(listing.frame(CellReader(run))))
    return page


def write_validation_report(protocol: Protocol, run: Path, *, jobs: int = 1) -> Path:
    """Write the report of an external validation: ``run/report.html``, its tables and its figures.

    Parameters
    ----------
    protocol : the study file of the external cohort, completed by the signature.
    run : the validation's folder.
    jobs : processes that write the files.

    Returns
    -------
    The path of the page, as `write_report` writes it.
    """
    facts = read_facts(protocol, run).cited()
    page = run / "report.html"
    with hiding(facts.identifiers), outline_of(protocol.report, VALIDATION):
        sections = build_sections(facts)
        figures = write_files(RunSource(protocol, run), sections, jobs)
        listing = Listing()
        html = _page(facts, sections, figures.sources, about="an external validation", errors=validation_alarms(facts))
        write_text(page, printable_in_page(listing.page(html)))
        write_json(run / SETTINGS_FILE, settings_document(protocol))
        _list_word_tables(listing, sections)
        write_bytes(run / NUMBERS_FILE, csv_bytes(listing.frame(CellReader(run))))
    return page


def _list_word_tables(listing: Listing, sections: list[ReportSection]) -> None:
    """Add the numbers of the tables' Word files to the listing."""
    for part in (part for section in sections for part in section.parts if isinstance(part.content, Table)):
        file = f"report/tables/{part.name}.docx"
        for row, cells in enumerate([*part.content.header, *part.content.rows], 1):
            for column, cell in enumerate(cells, 1):
                listing.text(f"{file}, row {row}, cell {column}", f"{cell.text} {cell.below}")
        for line in part.content.footnotes:
            listing.text(f"{file}, footnotes", line)


def _page(
    facts: RunFacts,
    sections: list[ReportSection],
    sources: dict[str, str],
    *,
    about: str = "a radiomics study",
    errors: list[str] | None = None,
) -> str:
    environment = Environment(
        loader=PackageLoader("radstudy.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["settings_yaml"] = _yaml
    environment.filters["css_string"] = _css_string
    environment.filters.update(caption_lines=caption_lines, print_size=print_size, svg_width=svg_width)
    environment.tests["wordy"] = wordy
    templates = resources.files("radstudy.report") / "templates"
    return environment.get_template("report.html.j2").render(
        protocol=facts.protocol,
        notice=facts.protocol.notice,
        about=about,
        alarms=alarms(facts) if errors is None else errors,
        sections=sections,
        sources=sources,
        readers=colours(facts.protocol.cohort.readers),
        PRINTED_ALBUMS=PRINTED_ALBUMS,
        finished=_finished(facts),
        glossary=_glossary(),
        css=(templates / "style.css").read_text(encoding="utf-8"),
        script=page_script(),
        layers=LAYERS,
        anchors={part.anchor for section in sections for part in section.parts},
        empty=_empty(sections),
    )


def _empty(sections: list[ReportSection]) -> dict[str, list[Part]]:
    """The reasons why there is nothing to show of some parts, each with its parts."""
    reasons: dict[str, list[Part]] = {}
    for part in (part for section in sections for part in section.parts if part.empty and part.absent):
        reasons.setdefault(part.absent, []).append(part)
    return reasons


def _glossary() -> list[dict[str, Any]]:
    """The terms of the report; those of the commands alone are in the docs only."""
    text = (resources.files("radstudy.report") / "glossary.yaml").read_text(encoding="utf-8")
    return [term for term in YAML(typ="safe").load(text) if term.get("of") != "commands"]


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
