"""Write the report of a run: report.html, its tables and its figures."""

from __future__ import annotations

import base64
import io
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from ruamel.yaml import YAML

from radstudy.protocol import Protocol
from radstudy.report.facts import Facts, read_facts
from radstudy.report.figures import Drawing
from radstudy.report.figures.style import rendered, style, with_notice
from radstudy.report.pictures import colours
from radstudy.report.sections import Part, Section, build_sections
from radstudy.report.tables import Table
from radstudy.report.text import summary
from radstudy.report.word import word_file
from radstudy.store import write_bytes, write_csv, write_text


def write_report(protocol: Protocol, run: Path) -> Path:
    """Write ``run/report.html``, ``run/report/tables/*`` and ``run/report/figures/*``.

    Parameters
    ----------
    protocol : the study file.
    run : the run's folder, finished or not: what is missing is said in its place.

    Returns
    -------
    The page: one file that needs no other, no network and no script.
    """
    facts = read_facts(protocol, run)
    sections = build_sections(facts)
    sources = _write_parts(facts, sections, run / "report")
    page = run / "report.html"
    write_text(page, _page(facts, sections, sources))
    return page


def _write_parts(facts: Facts, sections: list[Section], folder: Path) -> dict[str, str]:
    """Write tables and figures; returns the data URI of every figure."""
    notice = facts.protocol.notice
    sources: dict[str, str] = {}
    for section in sections:
        for part in section.parts:
            if isinstance(part.content, Table):
                place = folder / "tables" / part.content.name
                write_csv(place.with_suffix(".csv"), _flagged(part.content.frame, notice))
                word = word_file(part.content, number=part.number, caption=part.caption, notice=notice)
                write_bytes(place.with_suffix(".docx"), word)
            elif isinstance(part.content, Drawing):
                sources[part.content.name] = _write_figure(facts, part.content, folder / "figures")
    return sources


def _flagged(frame: pd.DataFrame, notice: str) -> pd.DataFrame:
    return frame.assign(notice=notice) if notice else frame


def _write_figure(facts: Facts, drawing: Drawing, folder: Path) -> str:
    with style():
        figure = with_notice(drawing.figure, facts.protocol.notice)
        files = rendered(figure, {"svg", *facts.protocol.report.figures})
    for kind in facts.protocol.report.figures:
        write_bytes(folder / f"{drawing.name}.{kind}", files[kind])
    if drawing.frame is not None:
        write_csv(folder / f"{drawing.name}.csv", _flagged(drawing.frame, facts.protocol.notice))
    return "data:image/svg+xml;base64," + base64.b64encode(files["svg"]).decode("ascii")


def _page(facts: Facts, sections: list[Section], sources: dict[str, str]) -> str:
    environment = Environment(
        loader=PackageLoader("radstudy.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["settings_yaml"] = _yaml
    css = (resources.files("radstudy.report") / "templates" / "style.css").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        protocol=facts.protocol,
        notice=facts.protocol.notice,
        summary=summary(facts),
        sections=sections,
        sources=sources,
        readers=colours(facts.protocol.cohort.readers),
        finished=_finished(facts),
        css=css,
    )


def _finished(facts: Facts) -> str:
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
