"""The import of a study: where its images come from, the command that does it, and what can be tried beforehand.

What a server is asked for, a PatientID or StudyInstanceUID, stands in a file of the private folder and nowhere else:
neither pages nor notes nor command lines name a patient.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from radstudy.app.lead.jobs import Job, last_job, start_job
from radstudy.app.lead.projects import Project
from radstudy.errors import UsageError
from radstudy.intake.connect import server_of
from radstudy.intake.private import private_folder
from radstudy.intake.pull import services_of
from radstudy.intake.readers import ATTRIBUTES, ReaderRule, read_rule
from radstudy.intake.rules import load_rules
from radstudy.store import write_text

IMPORT, DRY_RUN = "import", "import-dry-run"
EXAMINATIONS = ("", "first", "last")
EVERYTHING = "*"
_ASKED = "asked"  # folder in the private one: a file for each identifier that servers were asked for
_SOURCES = "sources"
_TEST_S = 15.0
_MOST_FILES, _LOOK_S = 20_000, 2.0
_SERVERS = ("http://", "https://", "dimse://")


@dataclass(frozen=True)
class ImportChoices:
    """Choices of an import: the options of `radstudy import`, but for the output.

    Parameters
    ----------
    source : folder, ZIP file, DICOMDIR, or address of a server.
    readers : rules that name the readers of masks.
    examination : "first", "last" or "".
    rules : file with the user's own rules for roles; "" for the program's.
    patient, study : file in the private folder with the identifier that a server is asked for; "" for all.
    own_title, move_port, move_address, move_from : of a PACS; see `radstudy.intake.dimse.Dimse`.
    """

    source: str
    readers: tuple[str, ...] = ()
    examination: str = ""
    rules: str = ""
    patient: str = ""
    study: str = ""
    own_title: str = "RADSTUDY"
    move_port: int = 0
    move_address: str = ""
    move_from: tuple[str, ...] = ()

    @property
    def is_server(self) -> bool:
        """True if the source is a server's address."""
        return self.source.startswith(_SERVERS)

    @property
    def is_pacs(self) -> bool:
        """True if it speaks DIMSE."""
        return self.source.startswith("dimse://")


def import_arguments(project: Project, choices: ImportChoices, *, dry_run: bool = False) -> list[str]:
    """The command line of an import, after `radstudy`.

    Parameters
    ----------
    project : the study.
    choices : of the import.
    dry_run : show what would be done, and write nothing.
    """
    options: list[tuple[str, str]] = [("--out", str(project.images))]
    options += [("--readers", rule) for rule in choices.readers]
    options += [("--examination", choices.examination), ("--rules", choices.rules)]
    if choices.is_server:
        options += [(name, f"@{file}") for name, file in (("--patient", choices.patient), ("--study", choices.study))
                    if file]  # fmt: skip
    if choices.is_pacs:
        options.append(("--own-title", choices.own_title if choices.own_title != ImportChoices.own_title else ""))
        options.append(("--move-port", str(choices.move_port or "")))
        options.append(("--move-address", choices.move_address))
        options += [("--move-from", sender) for sender in choices.move_from]
    given = [part for name, value in options if value for part in (name, value)]
    return ["import", choices.source, *given, *(["--dry-run"] if dry_run else [])]


def checked(choices: ImportChoices) -> ImportChoices:
    """The choices, if an import can begin with them; paths are made absolute.

    Raises
    ------
    UsageError : says which choice is wrong.
    """
    if not choices.source.strip():
        raise UsageError("choose where the images come from: a folder, a ZIP file, a DICOMDIR or a server")
    if choices.examination not in EXAMINATIONS:
        raise UsageError(f"'{choices.examination}' is no choice of an examination: first, last, or none")
    for rule in choices.readers:
        read_rule(rule)
    changed = {name: value for name, value in asdict(choices).items() if name not in ("source", "rules")}
    return ImportChoices(source=_source(choices), rules=_rules(choices.rules), **changed)


def _source(choices: ImportChoices) -> str:
    where = choices.source.strip()
    if not where.startswith(_SERVERS):
        path = Path(where).expanduser()
        if not path.exists():
            raise UsageError(f"there is no {path} on this computer: choose a folder, a ZIP file or a DICOMDIR")
        return str(path.resolve())
    try:
        has_secret = urlsplit(where).password is not None
    except ValueError:
        has_secret = False
    if has_secret:
        raise UsageError(
            "the address holds a password, which these pages would note: leave it out, and give it in the variable "
            "RADSTUDY_DICOMWEB_TOKEN or in .netrc before 'radstudy app' starts (docs/import.md, Servers)"
        )
    server_of(where)
    return where


def _rules(file: str) -> str:
    if not file.strip():
        return ""
    path = Path(file.strip()).expanduser()
    load_rules(path)
    return str(path.resolve())


def start_import(project: Project, choices: ImportChoices, *, dry_run: bool = False) -> Job:
    """Start an import as a process of its own, and keep its choices.

    Parameters
    ----------
    project : the study.
    choices : of the import; see `keep_asked` for those of a server.
    dry_run : show what would be done, and write nothing.

    Raises
    ------
    UsageError : see `checked`; or another import is working.
    """
    choices = checked(choices)
    _note(project, choices, is_source=not dry_run)
    works_in = None if dry_run else project.images
    arguments = import_arguments(project, choices, dry_run=dry_run)
    return start_job(project, DRY_RUN if dry_run else IMPORT, arguments, works_in=works_in)


def apply_answers(project: Project, number: int = 0) -> Job:
    """Repeat the import of a source, so that the answers of the review are carried out.

    Parameters
    ----------
    project : the study.
    number : of the source; 0 for the one that was imported last.

    Raises
    ------
    UsageError : there is no such source, or an import is working.
    """
    sources = sources_of(project)
    if not 0 <= number < len(sources):
        raise UsageError("nothing has been imported from here: import the images first")
    return start_job(project, IMPORT, import_arguments(project, sources[number]), works_in=project.images)


def keep_asked(project: Project, identifier: str) -> str:
    """Keep an identifier that a server is asked for in the private folder; the path of its file.

    Parameters
    ----------
    project : the study.
    identifier : PatientID, with wildcards, or StudyInstanceUID; "*" for all, which needs no file.
    """
    identifier = identifier.strip()
    if identifier in ("", EVERYTHING):
        return ""
    private_folder(project.private)
    folder = project.private / _ASKED
    for file in sorted(folder.glob("*.txt")):
        if file.read_text(encoding="utf-8").strip() == identifier:
            return str(file)
    file = folder / f"{len(list(folder.glob('*.txt'))) + 1}.txt"
    write_text(file, identifier + "\n", private=True)
    return str(file)


def require_asked(choices: ImportChoices, patient: str, study: str) -> None:
    """Refuse to ask a server for everything, unless that is said.

    Parameters
    ----------
    choices : of the import.
    patient, study : PatientID, with wildcards, and StudyInstanceUID.

    Raises
    ------
    UsageError : neither is given.
    """
    if choices.is_server and not patient.strip() and not study.strip():
        raise UsageError("whom to ask the server for? Give a PatientID (* and ? are wildcards), or * for everyone")


def choices_of(project: Project) -> ImportChoices | None:
    """The choices that were made last; None before the first time."""
    noted = project.setup().get("import")
    return _choices(noted) if isinstance(noted, Mapping) else None


def sources_of(project: Project) -> list[ImportChoices]:
    """The choices of each source that was imported, the last one first."""
    noted = project.setup().get(_SOURCES)
    listed = [_choices(one) for one in noted if isinstance(one, Mapping)] if isinstance(noted, list) else []
    return [one for one in listed if one is not None]


def import_job(project: Project) -> Job | None:
    """The last import, or dry run of one; None if there was none."""
    return last_job(project, IMPORT, DRY_RUN)


def _choices(noted: Mapping[str, Any]) -> ImportChoices | None:
    try:
        lists = {name: tuple(noted.get(name, ())) for name in ("readers", "move_from")}
        return ImportChoices(**{**noted, **lists})
    except TypeError:
        return None


def _note(project: Project, choices: ImportChoices, *, is_source: bool) -> None:
    noted: dict[str, object] = {"import": asdict(choices)}
    if is_source:
        same = (choices.source, choices.patient, choices.study)
        others = [one for one in sources_of(project) if (one.source, one.patient, one.study) != same]
        noted[_SOURCES] = [asdict(one) for one in (choices, *others)]
    project.note_setup(**noted)


# --- trying beforehand ---------------------------------------------------------------------------------------------


def services(choices: ImportChoices) -> tuple[str, ...]:
    """Connect to the server: the services that it offers us. No patient is asked for.

    Raises
    ------
    DataError : it does not answer as it should.
    UsageError : the source is not a server.
    """
    choices = checked(choices)
    server = server_of(
        choices.source, own_title=choices.own_title, move_port=choices.move_port or None,
        move_address=choices.move_address, move_from=choices.move_from, timeout_s=_TEST_S,
    )  # fmt: skip
    if server is None:
        raise UsageError("only a server can be connected to: the source is a file or folder")
    return services_of(server)


@dataclass(frozen=True)
class RuleFit:
    """Fit of a rule for readers to the names of a source's files.

    Parameters
    ----------
    rule : as the user wrote it.
    files : number of files that it fits; None if it looks at headers, which is done by the import.
    readers : number of files by each reader that it tells apart, most first. Names are left out: a wrong rule would
        take a patient's.
    """

    rule: str
    files: int | None
    readers: tuple[int, ...] = ()


@dataclass(frozen=True)
class RulesFit:
    """Fit of all rules to a source.

    Parameters
    ----------
    rules : each, in order; a file belongs to the first that fits it.
    looked_at : number of files.
    all_files : True if these are all of them.
    """

    rules: tuple[RuleFit, ...]
    looked_at: int
    all_files: bool


def rules_fit(source: str, readers: Sequence[str]) -> RulesFit:
    """Try rules for readers on the names of a source's files, without opening any.

    Parameters
    ----------
    source : a folder or ZIP file.
    readers : the rules.

    Raises
    ------
    UsageError : a rule is not valid.
    """
    rules = [read_rule(text) for text in readers]
    counts: list[Counter[str]] = [Counter() for _ in rules]
    looked_at, until, complete = 0, time.monotonic() + _LOOK_S, True
    for name in _names(Path(source.strip()).expanduser()):
        if looked_at >= _MOST_FILES or time.monotonic() > until:
            complete = False
            break
        looked_at += 1
        _count(name, rules, counts)
    fits = [
        RuleFit(rule.text, None if rule.attribute else count.total(), tuple(sorted(count.values(), reverse=True)))
        for rule, count in zip(rules, counts, strict=True)
    ]
    return RulesFit(tuple(fits), looked_at, complete)


def _count(name: str, rules: Sequence[ReaderRule], counts: Sequence[Counter[str]]) -> None:
    for rule, count in zip(rules, counts, strict=True):
        if rule.attribute in ATTRIBUTES:
            continue
        if reader := rule.reader_of({"source": name}):
            count[reader.casefold()] += 1
            return


def _names(path: Path) -> Iterator[str]:
    """The names of a source's files, as the import would know them."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (name for name in archive.namelist() if not name.endswith("/"))
        return
    top = path if path.is_dir() else path.parent
    for place, folders, names in os.walk(top):
        folders.sort()
        yield from ((Path(place) / name).relative_to(top).as_posix() for name in names)
