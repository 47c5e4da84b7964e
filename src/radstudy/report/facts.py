"""The results of a run, read from its folder: the only module of the report that knows where files are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.artefacts import ARTEFACTS, ColumnKind, JsonFile, TableFile
from radstudy.artefacts.cohort import ROWS
from radstudy.cohort.sealed import is_sealed
from radstudy.features.settings import ExtractionSettings
from radstudy.protocol import STEPS, Protocol
from radstudy.protocol.sections import Primary
from radstudy.provenance import PROVENANCE
from radstudy.report.cited import cited_documents, cited_frame, tally
from radstudy.report.cited.extraction import cited_extraction
from radstudy.report.cited.settings import cited_protocol

TRAINING, TESTING = "training", "testing"
SUMMARY = "extract/summary.json"
PROVENANCES = tuple(f"{step}/{PROVENANCE}" for step in STEPS)

TABLES = tuple(
    artefact for artefact in ARTEFACTS
    if isinstance(artefact, TableFile) and "report" in artefact.read_by and not artefact.path.endswith(".parquet")
)  # fmt: skip
FAILURES = tuple(table.path for table in TABLES if table.path.endswith("/failures.csv"))
DOCUMENTS = tuple(
    artefact
    for artefact in ARTEFACTS
    if isinstance(artefact, JsonFile) and "report" in artefact.read_by and "*" not in artefact.path
)

SEALED = (
    "The testing results are sealed (evaluate.sealed in the study file). To do: declare evaluate.primary, give "
    "'radstudy unseal' with the study file, then 'radstudy run' again."
)
_OF_TESTING = ("evaluate/", "model_card.md", "report/contributions.csv")

# Names of two groups that say whether something is there.
_NO = frozenset(["no", "n", "false", "absent", "nein", "non", "否", "无"])
_YES = frozenset(["yes", "y", "true", "present", "ja", "oui", "sí", "si", "sì", "是", "有"])

# Names of a group that mean nothing without the outcome's.
_BARE = _NO | _YES | {"negative", "positive", "neg", "pos", "阴性", "阳性"}


class AbsentError(Exception):
    """Something that a part of the report needs is missing; the report prints the message in its place."""


@dataclass(frozen=True, eq=False)
class RunFacts:
    """Everything that the report is made from.

    Parameters
    ----------
    protocol : the study file.
    frames : name of a CSV file in the run's folder to its table; missing files are left out.
    documents : name of a JSON file to its content.
    pictures : the lesions' planes, one .npz per lesion and sequence.
    fields : slices of the volumes before their bias fields were removed, one .npz per volume.
    maps : planes of the feature maps, one .npz per lesion and sequence.
    unreadable : name of a file to the reason why it could not be read.
    sealed : True if the run's files withhold the testing results.
    """

    protocol: Protocol
    frames: dict[str, pd.DataFrame]
    documents: dict[str, Any]
    pictures: tuple[Path, ...]
    unreadable: dict[str, str]
    fields: tuple[Path, ...] = ()
    maps: tuple[Path, ...] = ()
    sealed: bool = False

    def frame(self, name: str) -> pd.DataFrame:
        """A table of the run.

        Raises
        ------
        AbsentError : it is missing; the message names the step that should have written it.
        """
        if name not in self.frames:
            raise AbsentError(self._why(name))
        return self.frames[name]

    def document(self, name: str) -> Any:
        """A JSON file of the run.

        Raises
        ------
        AbsentError : it is missing; the message names the step that should have written it.
        """
        if name not in self.documents:
            raise AbsentError(self._why(name))
        return self.documents[name]

    def cited(self) -> RunFacts:
        """The same results, whose numbers remember the cells that they come from until they are printed."""
        frames = {name: cited_frame(frame, name) for name, frame in self.frames.items()}
        return replace(
            self, protocol=cited_protocol(self.protocol), frames=dict(frames), documents=cited_documents(self.documents)
        )

    @property
    def extraction(self) -> ExtractionSettings:
        """The settings that the features were computed with.

        Raises
        ------
        AbsentError : the step has not finished.
        """
        return cited_extraction(self.document(SUMMARY)["settings"])

    def finished(self, step: str) -> bool:
        """True if a step has finished."""
        return f"{step}/{PROVENANCE}" in self.documents

    def _why(self, name: str) -> str:
        if name in self.unreadable:
            return f"{name} cannot be read: {self.unreadable[name]}"
        if self.sealed and name.startswith(_OF_TESTING):
            return SEALED
        step = name.split("/", 1)[0]
        if self.protocol.features is not None and step == "prepare":
            return "The study started from a table of features; there were no images."
        if name == "signature.json" and self.finished("model"):
            return "No model went into signature.json: none that could be fitted is a formula."
        if step not in STEPS:
            return f"{name} is missing: no model was fitted, or the run stopped earlier."
        if self.finished(step):
            return f"{name} is missing although the step '{step}' has finished. To do: run the step again."
        return (
            f"{name} is missing: the step '{step}' has not finished. To do: run 'radstudy run' again; it continues "
            "from there."
        )

    # --- words that every table and figure uses ---

    @property
    def groups(self) -> tuple[str, str]:
        """The names of the negative and the positive group: "FISH no" if "no" alone would mean nothing."""
        outcome = self.protocol.cohort.outcome
        label = outcome.label or outcome.column
        if outcome.labels:
            negative, positive = (f"{label} {name}" if _bare(name) else name for name in outcome.labels)
            return negative, positive
        return f"{label} {outcome.negative or 'other'}", f"{label} {outcome.positive}"

    def of_group(self, outcome: int) -> str:
        """A group as it follows a count: "FISH-positive", "with metastasis", "without metastasis", "with grade = 1"."""
        written = self.protocol.cohort.outcome
        label = written.label or written.column
        own = written.labels or (written.negative or "", written.positive)
        if own[0].strip().lower() in (*_NO, "") and own[1].strip().lower() in _YES:
            return f"{'with' if outcome else 'without'} {label}"
        if not own[outcome]:
            return f"with another {label}"
        if any(sign.isalpha() for sign in own[outcome]):
            return self.groups[outcome]
        return f"with {label} = {own[outcome]}"

    def patients_of_group(self, outcome: int, noun: str = "") -> str:
        """The patients of a group: "FISH-positive patients", "patients with metastasis".

        Parameters
        ----------
        outcome : 0 or 1.
        noun : such as patients or lesions; "" takes `case_word`.
        """
        said, noun = self.of_group(outcome), noun or self.case_word
        return f"{said} {noun}" if said == self.groups[outcome] else f"{noun} {said}"

    def groups_told_apart(self, noun: str = "") -> str:
        """Both groups of a question: "FISH-positive from FISH-negative patients".

        Parameters
        ----------
        noun : as for `patients_of_group`.
        """
        if self.of_group(1) == self.groups[1]:
            return f"{self.of_group(1)} from {self.patients_of_group(0, noun)}"
        return f"{self.patients_of_group(1, noun)} from those {self.of_group(0)}"

    @property
    def event(self) -> str:
        """The positive outcome where a sentence gives its probability: "FISH-positive", "metastasis"."""
        said = self.of_group(1)
        return said if said == self.groups[1] else said.removeprefix("with ")

    @property
    def level(self) -> str:
        """The level of the study's intervals and central shares, such as 95%."""
        return f"{100 * self.protocol.evaluate.interval.level:g}%"

    @property
    def case_word(self) -> str:
        """The unit of a row of the cohort: patients, or lesions if some patient has several."""
        rows = self.frames.get("cohort/rows.csv")
        return "lesions" if rows is not None and rows["patient"].duplicated().any() else "patients"

    @property
    def contours(self) -> str:
        """The contours of the readers, as pictures have them."""
        return "the reader's contour" if len(self.protocol.cohort.readers) < 2 else "the readers' contours"

    @property
    def first_readers(self) -> str:
        """The reader whose masks train the models, before the masks: "the reader's", "the first reader's"."""
        return "the reader's" if len(self.protocol.cohort.readers) < 2 else "the first reader's"

    @property
    def models(self) -> list[str]:
        """The study's models, in its order."""
        return list(self.protocol.model.models)

    @property
    def primary(self) -> Primary | None:
        """The primary model and comparison that the study file declares; None if it declares none."""
        return self.protocol.evaluate.primary

    @property
    def primary_model(self) -> str:
        """The name of the primary model; "", which no model is called, if none is declared."""
        return self.primary.model if self.primary is not None else ""

    @property
    def study_model(self) -> str:
        """The model that the study file names for use; if it names none, the last that is a formula, or the last."""
        return self.protocol.signature_model or self.models[-1]

    @property
    def explained_model(self) -> str:
        """The model whose predictions the report explains patient by patient: the primary one, else the study's."""
        return explained_model(self.protocol)

    @property
    def study_model_is(self) -> str:
        """The reason why a model is the study's: it was named, or which one the program took."""
        if self.protocol.model.signature is not None:
            return "the model named for use (model.signature)"
        which = "the last model" if self.protocol.signature_model is None else "the last model that is a formula"
        return f"{which}, because the study file names none (model.signature)"

    @property
    def fitted(self) -> list[str]:
        """The models that could be fitted."""
        records = self.document("model/models.json")
        return [name for name in self.models if records.get(name, {}).get("fitted")]

    def identifiers(self) -> set[str]:
        """Texts that may name a patient or a reader: no error that the page quotes may show them."""
        tables = [table for table in self.frames.values() if "patient" in table]
        patients = {str(patient) for table in tables for patient in table["patient"].unique()}
        return patients | set(self.protocol.cohort.readers)

    def label_of(self, variable: str) -> str:
        """The name of a clinical variable in tables."""
        entry = self.protocol.cohort.clinical.get(variable)
        return (entry.label if entry else None) or variable

    def sizes(self, which: str) -> tuple[int, int]:
        """Rows of the negative and the positive group in a set ('all': the whole cohort)."""
        rows = self.frame("cohort/rows.csv")
        own = {} if which == "all" else {"set": which}
        return tally(rows, **own, outcome=0), tally(rows, **own, outcome=1)

    def failures(self) -> pd.DataFrame:
        """The failures of all steps, with a column ``step``."""
        parts = [
            self.frames[name].assign(step=name.partition("/")[0]) for name in FAILURES if len(self.frames.get(name, ()))
        ]
        columns = ["step", "patient", "lesion", "sequence", "reader", "problem", "remedy", "file"]
        return pd.concat(parts, ignore_index=True).reindex(columns=columns) if parts else pd.DataFrame(columns=columns)


def explained_model(protocol: Protocol) -> str:
    """The model whose predictions the report explains patient by patient: the primary one, else the study's."""
    primary = protocol.evaluate.primary
    return primary.model if primary is not None else protocol.signature_model or list(protocol.model.models)[-1]


def read_facts(protocol: Protocol, run: Path) -> RunFacts:
    """Read a run's folder, finished or not.

    Parameters
    ----------
    protocol : the study file.
    run : the run's folder.
    """
    frames: dict[str, pd.DataFrame] = {}
    documents: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    clinical = {n: ColumnKind.TEXT for n, variable in protocol.cohort.clinical.items() if variable.levels is not None}
    stale = _switched_off(protocol)
    files: list[TableFile | JsonFile] = [*TABLES, *DOCUMENTS]
    for file in files:
        if file.path.startswith(stale) or not file.file_to_read(run).exists():
            continue
        try:
            if isinstance(file, TableFile):
                frames[file.path] = file.read(run, clinical if file is ROWS else None)
            else:
                documents[file.path] = file.read(run)
        except (OSError, ValueError) as error:
            unreadable[file.path] = str(error)
    rows = frames.get(ROWS.path)
    sealed = rows is not None and is_sealed(rows)
    if protocol.features is not None:
        return RunFacts(protocol, frames, documents, (), unreadable, sealed=sealed)
    pictures = tuple(sorted((run / "prepare" / "pictures").glob("*.npz")))
    fields = tuple(sorted((run / "prepare" / "fields").glob("*.npz")))
    maps = tuple(sorted((run / "extract" / "maps").glob("*.npz")))
    return RunFacts(protocol, frames, documents, pictures, unreadable, fields, maps, sealed)


def _switched_off(protocol: Protocol) -> tuple[str, ...]:
    """Folders that can only hold results of an earlier study file, not of this study."""
    evaluate = protocol.evaluate
    asked = {
        "prepare/": protocol.features is None,
        "extract/maps/": protocol.extract.maps is not None,
        "evaluate/chance/": evaluate.chance is not None,
        "evaluate/baselines/": evaluate.baselines is not None,
        "evaluate/resampling/": evaluate.resampling is not None,
    }
    return tuple(folder for folder, wanted in asked.items() if not wanted)


def _bare(label: str) -> bool:
    """True if a group's name means nothing without the outcome's."""
    return label.strip().lower() in _BARE or not any(sign.isalpha() for sign in label)
