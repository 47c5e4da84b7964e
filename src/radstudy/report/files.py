"""The files of a report's tables, figures and pictures: made by several processes, and written as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from radstudy.bugs import Bug, bug_of, collecting
from radstudy.bugs import write as write_bug
from radstudy.errors import is_expected
from radstudy.parallel import finished
from radstudy.protocol import Protocol
from radstudy.report.facts import RunFacts, read_facts
from radstudy.report.figures import DrawnFigure
from radstudy.report.figures.style import rendered, style, with_notice
from radstudy.report.outline import outline_of
from radstudy.report.pictures import DrawnPicture, PicturePlanes, drawn, filled, planes_of
from radstudy.report.sections import Part, ReportSection
from radstudy.report.tables import Table
from radstudy.report.word import word_file
from radstudy.store import csv_bytes, write_bytes
from radstudy.workbook import xlsx_bytes

_AS_IS = "/:;=,()'!?&+*@$[]{}|^~ "  # in a data URI within double quotes


@dataclass(frozen=True)
class WrittenFigures:
    """The figures as page and Word need them.

    Parameters
    ----------
    sources : figure to the data URI of its SVG.
    pictures : figure to its PNG.
    """

    sources: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSource:
    """The run as any process can read it.

    Parameters
    ----------
    protocol, run : the study file, and the run's folder.
    """

    protocol: Protocol
    run: Path

    def facts(self) -> RunFacts:
        """The run's results, read once per process: its files do not change while the report is written."""
        if _READ.get("source") != self:
            _READ.update(source=self, facts=read_facts(self.protocol, self.run).cited())
        facts = _READ["facts"]
        assert isinstance(facts, RunFacts)
        return facts


_READ: dict[str, object] = {}  # of a worker process, which ends with the report; cleared for a new one


@dataclass(frozen=True)
class MadePart:
    """A part with its files.

    Parameters
    ----------
    part : the part; of a figure that was made in another process, without its drawing.
    files : its files; empty if there is nothing to show, or the unexpected error.
    bugs : other unexpected errors on the way.
    """

    part: Part
    files: dict[str, bytes] | Bug
    bugs: tuple[Bug, ...] = ()


def write_files(source: RunSource, sections: Sequence[ReportSection], jobs: int) -> WrittenFigures:
    """Write the files of all tables, figures and pictures.

    A part whose files cannot be made says so in its place, and the lesions' pictures get their thumbnails.

    Parameters
    ----------
    source : the run, from which waiting parts are made.
    sections : of the report; their parts are replaced.
    jobs : processes.
    """
    report, folder = source.protocol.report, source.run / "report"
    places, albums = _places(sections, _has_files), _places(sections, _has_albums)
    planes = [one for own, at in albums for one in planes_of(own[at].content)]
    tasks: list[Part | PicturePlanes] = [*(own[at] for own, at in places), *planes]
    make = partial(
        _made, notice=source.protocol.notice, kinds=report.figures, readers=source.protocol.cohort.readers,
        source=source,
    )  # fmt: skip
    _READ.clear()  # of a former report, if tasks are done in this process
    figures = WrittenFigures()
    thumbnails: dict[Path, DrawnPicture] = {}
    for index, outcome in finished(make, tasks, jobs, named=_title):
        if isinstance(outcome, DrawnPicture):
            thumbnails[planes[index - len(places)].file] = _written(outcome, folder)
        else:
            own, at = places[index]
            whole = outcome if isinstance(outcome, MadePart) else MadePart(own[at], outcome)
            for bug in whole.bugs:
                write_bug(bug)
            own[at] = _with_files(whole.part, whole.files, folder, report.figures, figures)
    for own, at in albums:
        own[at] = replace(own[at], content=filled(own[at].content, thumbnails))
    return figures


def _places(sections: Sequence[ReportSection], wanted: Callable[[Part], bool]) -> list[tuple[list[Part], int]]:
    """The parts of some kind, each as its section's list and its index there, so that it can be replaced."""
    return [(one.parts, index) for one in sections for index, part in enumerate(one.parts) if wanted(part)]


def _has_files(part: Part) -> bool:
    return part.waiting or isinstance(part.content, Table | DrawnFigure)


def _has_albums(part: Part) -> bool:
    return part.kind == "pictures" and bool(part.content)


def _title(task: Part | PicturePlanes) -> str:
    return f"{task.number}, {task.name}" if isinstance(task, Part) else f"picture {task.file.stem}"


# --- in any process ----------------------------------------------------------------------------------------------


def _made(
    task: Part | PicturePlanes, notice: str, kinds: tuple[str, ...], readers: tuple[str, ...], source: RunSource
) -> dict[str, bytes] | Bug | DrawnPicture | MadePart:
    """The files of a table or figure, or the picture of a lesion."""
    if isinstance(task, Part) and task.waiting:
        return _made_figure(task, notice, kinds, source)
    if isinstance(task, Part):
        return _files_or_bug(task, notice, kinds)
    return drawn(task, readers, notice)


def _made_figure(part: Part, notice: str, kinds: tuple[str, ...], source: RunSource) -> MadePart:
    """A figure from the run's files, and its own files."""
    with collecting() as bugs:
        try:
            with outline_of(source.protocol.report), style():
                whole = part.with_content(source.facts())
        except Exception as error:  # one part must not stop the others
            return MadePart(part, bug_of(error), tuple(bugs))
        drawing = whole.content
        if not isinstance(drawing, DrawnFigure):
            return MadePart(whole, {}, tuple(bugs))
        files = _files_or_bug(whole, notice, kinds)
        return MadePart(replace(whole, content=replace(drawing, figure=None)), files, tuple(bugs))


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


# --- here --------------------------------------------------------------------------------------------------------


def _written(picture: DrawnPicture, folder: Path) -> DrawnPicture:
    """Write the large picture; the rest is for the page."""
    if picture.large:
        write_bytes(folder / "pictures" / f"{picture.name}.jpg", picture.large)
    return replace(picture, large=b"")


def _with_files(
    part: Part, files: dict[str, bytes] | Bug, folder: Path, kinds: tuple[str, ...], figures: WrittenFigures
) -> Part:
    """Write a part's files; the part, or what the page says if there are none."""
    if isinstance(files, Bug):
        write_bug(replace(files, doing=f"report: files of {part.name}"))
        return part.failed(files)
    place = folder / ("tables" if isinstance(part.content, Table) else "figures") / part.name
    for kind, content in files.items():
        if kind not in ("svg", "png") or kind in kinds:
            write_bytes(place.with_name(f"{place.name}.{kind}"), content)
    if "svg" in files:
        figures.sources[part.name] = svg_uri(files["svg"])
        figures.pictures[part.name] = files["png"]
    return part


def svg_uri(svg: bytes) -> str:
    """An SVG as an address within the page; shorter than base64."""
    return "data:image/svg+xml," + quote(" ".join(svg.decode("utf-8").split()), safe=_AS_IS)
