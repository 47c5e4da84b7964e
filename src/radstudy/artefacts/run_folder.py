"""All files of a run, and the version of the run folder's layout."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from radstudy.artefacts.agree import DECLARED as AGREE
from radstudy.artefacts.beside import DECLARED as BESIDE
from radstudy.artefacts.cohort import DECLARED as COHORT
from radstudy.artefacts.common import LESION, PATIENT
from radstudy.artefacts.declaration import (
    STEP_FOLDERS,
    Artefact,
    Column,
    ColumnKind,
    JsonFile,
    OpaqueFile,
    boolean,
    integer,
    number,
    text,
)
from radstudy.artefacts.evaluate import DECLARED as EVALUATE
from radstudy.artefacts.extract import DECLARED as EXTRACT
from radstudy.artefacts.model import DECLARED as MODEL
from radstudy.artefacts.prepare import DECLARED as PREPARE
from radstudy.artefacts.report import DECLARED as REPORT
from radstudy.artefacts.validate import DECLARED as VALIDATE
from radstudy.errors import UsageError
from radstudy.store import read_json, write_json

SCHEMA_VERSION = 1  # of the run folder; a folder without run_folder.json is of version 1
_ASKED_FOR = {
    "prepare": "the study starts from images",
    "extract/maps": "extract.maps requests maps",
    "extract/shuffled": "evaluate.baselines requests shuffled images",
    "evaluate/chance": "the study file has evaluate.chance",
    "evaluate/resampling": "the study file has evaluate.resampling",
    "evaluate/baselines": "the study file has evaluate.baselines",
    "evaluate/harmonisation": "the study harmonises its sites",
    "evaluate/signature": "the study's own model is a formula",
    "validate": "radstudy validate wrote the folder",
}
_PROVENANCE = (
    text("key", "Hash of everything that the result depends on."),
    text("finished", "Time at which the step finished, in UTC."),
    number("seconds", "Duration of the step.", "s"),
    number("peak_mib", "Most memory that the program had until then, without its processes.", "MiB", optional=True),
    text("code", "Version of the program; for a development version, with a hash of its source."),
    Column("versions", ColumnKind.OBJECT, "Versions of the program, Python and the libraries."),
    Column("machine", ColumnKind.OBJECT, "Processor, and the target for which the kernels were compiled."),
    Column("algorithms", ColumnKind.OBJECT, "Algorithm to the version that computed the result.", optional=True),
    Column("settings", ColumnKind.OBJECT, "The step's part of the study file."),
    Column("inputs", ColumnKind.OBJECT, "Input to its content hash, or to the key of the step that produced it."),
    Column("files", ColumnKind.OBJECT, "File of the step to its content hash.", optional=True),
)
SCHEMA = JsonFile(
    "run_folder.json", "The version of this folder's layout.",
    fields=(Column("schema_version", ColumnKind.INTEGER, "Version of the layout; without this file it is 1."),),
)  # fmt: skip
_PROTOCOL_AND_PATIENTS = (
    text("protocol", "Hash of the settings that can change a testing result."),
    Column("settings", ColumnKind.OBJECT, "These settings."),
    Column("training", ColumnKind.LIST, "Patients of the training set."),
    Column("testing", ColumnKind.LIST, "Patients of the testing set."),
    Column(
        "excluded", ColumnKind.LIST, "Rows that were excluded.",
        fields=(PATIENT, LESION, text("reason", "Reason for exclusion, as in the cohort table.")),
    ),
)  # fmt: skip
HISTORY = JsonFile(
    "history.json", "When testing rows were first predicted in this folder, when primary models were declared, and "
    "under which protocols testing results were seen.",
    ("report",),
    fields=(
        text("testing_first_predicted", "Time at which models began to be applied to testing rows; null: not yet."),
        Column(
            "declarations", ColumnKind.LIST, "Every change of evaluate.primary, as seen by a run; the last one holds.",
            fields=(
                text("declared", "Time of the first run with this declaration, in UTC."),
                text("model", "The primary model; null if none was declared any more."),
                text("against", "The model that it is compared with; null if none was declared any more."),
                boolean("after_testing", "True if testing rows had been predicted or unsealed in this folder before."),
            ),
        ),
        text("sealed", "Time of the first run that sealed the testing results (evaluate.sealed); null: none did.",
             optional=True),
        Column(
            "unsealed", ColumnKind.OBJECT,
            "How the testing results were unsealed (radstudy unseal); null: they were not.", optional=True,
            fields=(
                text("time", "Time of unsealing, in UTC."), text("model", "The primary model then."),
                text("against", "The model that it was compared with."),
                text("text", "The study file as it was written then."), *_PROTOCOL_AND_PATIENTS,
            ),
        ),
        Column(
            "seen", ColumnKind.LIST, "Every protocol, and every change of the data, under which testing results were "
            "shown, in order; missing in folders of earlier versions.", optional=True,
            fields=(
                text("time", "Time of the first run that showed them, in UTC."), *_PROTOCOL_AND_PATIENTS,
                text("data", "Hash of the patients, their outcomes and sets, and of the feature values."),
                integer("protocols", "Different protocols so far, this one included."),
            ),
        ),
        text("seen_since_version", "Version of the program that began this record, if testing rows had been predicted "
             "before; null: the record is complete.", optional=True),
    ),
)  # fmt: skip
PROVENANCE = tuple(
    JsonFile(
        f"{step}/provenance.json",
        "Written last: the step has finished, with these settings, inputs and versions.",
        ("report",) if "/" not in step else (), _ASKED_FOR.get(step, ""), fields=_PROVENANCE,
    )
    for step in STEP_FOLDERS
)  # fmt: skip
LOCK = OpaqueFile(".lock", "Lock held while a run works in the folder.")
SHARD_LOCKS = OpaqueFile(
    ".shard-*.lock", "Lock held while one part of the work on images is done (radstudy run --shard).",
    when="a shard is being done"
)  # fmt: skip
WORKING = OpaqueFile(
    ".working.json", "Says who works in the folder: host, process, start, heartbeat.", when="a run works in the folder"
)
JOURNALS = tuple(
    OpaqueFile(f"run.jsonl{later}", "What the run did and how long each case took: one JSON object a line.",
               ("status",), when) for later, when in (("", ""), (".?", "run.jsonl was full"))
)  # fmt: skip
STOP = OpaqueFile(
    ".stop", "A request to stop the run after the cases that it works on.", when="a run was asked to stop"
)
ARTEFACTS: tuple[Artefact, ...] = (
    SCHEMA, HISTORY, *COHORT, *PREPARE, *EXTRACT, *AGREE, *MODEL,
    *EVALUATE, *BESIDE, *VALIDATE, *PROVENANCE, *REPORT, LOCK, SHARD_LOCKS, WORKING, STOP, *JOURNALS,
)  # fmt: skip


@cache
def artefact_of(name: str) -> Artefact | None:
    """The declaration of a file, given its path from the run's folder; None if it is not declared."""
    return next((one for one in ARTEFACTS if one.holds(name)), None)


def require_known_schema(run: Path) -> None:
    """Refuse a run's folder with the layout of a newer version of the program.

    Raises
    ------
    UsageError : its schema version is newer than this program's, or cannot be read.
    """
    file = SCHEMA.file(run)
    if not file.exists():
        return
    content: Any = None
    try:
        content = read_json(file)
        version = int(content["schema_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} does not contain the version of the run folder ({type(error).__name__}). To do: remove this file "
            "if the folder was written by this version of radstudy, or choose another --out"
        ) from None
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"{run} was written by a newer version of radstudy: its run folder has schema version {version}, but "
            f"this version supports {SCHEMA_VERSION}. To do: update radstudy, or choose another --out"
        )


def write_schema(run: Path) -> None:
    """Write the schema version into a run's folder, unless it is already there."""
    if not SCHEMA.file(run).exists():
        write_json(SCHEMA.file(run), {"schema_version": SCHEMA_VERSION})
