"""The study file of an external cohort: what a signature lays down, and what the file may decide itself.

The signature decides sequences, preparation, extraction and the coding of its clinical variables. The file says where
the patients, images, masks (or features) and outcomes are. What the signature decides may be left out of the file; if
the file has it, it has to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.errors import RefusedError, StudyFileError
from radstudy.features.of_study import settings_of_study
from radstudy.features.settings import ExtractionSettings
from radstudy.protocol import Protocol
from radstudy.protocol.cohort import EXTERNAL
from radstudy.protocol.load import load_protocol
from radstudy.protocol.sections import ClinicalModel, ClinicalVariable, CohortSection, Extract, Features, Model
from radstudy.protocol.words import listed
from radstudy.signature.document import Signature
from radstudy.signature.soundness import FROM_TABLE, STANDARDISED

_NO_IMAGES = {"images": "{patient}/{sequence}", "masks": "{patient}/{sequence}_{reader}", "readers": ["none"]}
_PLACEHOLDER = "none"  # sequence of a signature without images, until the file has been read


@dataclass(frozen=True)
class ExternalStudy:
    """An external cohort as a signature needs it.

    Parameters
    ----------
    protocol : the study file, with the signature's own settings.
    extraction : the signature's; None if the features are not computed here.
    notes : what was decided instead of the file, or cannot be verified, as sentences.
    """

    protocol: Protocol
    extraction: ExtractionSettings | None
    notes: tuple[str, ...]


def read_external_study(signature: Signature, file: Path, data: Path) -> ExternalStudy:
    """Read the study file of an external cohort and complete it by the signature.

    Parameters
    ----------
    signature : the model to validate.
    file : the study file.
    data : folder that its paths start from.

    Raises
    ------
    StudyFileError : the file has mistakes, or settings that contradict the signature.
    RefusedError : the file describes data that the signature cannot be used on.
    """
    written = load_protocol(file, beneath=_beneath(signature))
    _refuse_other_source(signature, written, file)
    problems = [*_sealed(written), *_other_images(signature, written, data), *_other_codebook(signature, written)]
    if problems:
        raise StudyFileError("\n".join(f"{file}: {problem}" for problem in problems))
    protocol = _as_needed(signature, written)
    images = protocol.features is None and bool(signature.sequences)
    notes = tuple(_notes(signature, written, protocol))
    return ExternalStudy(protocol, signature.settings if images else None, notes)


def _beneath(signature: Signature) -> dict[str, Any]:
    """Settings of the signature that count where the study file has none."""
    given = {name: signature.outcome.get(name) for name in ("positive", "negative", "label")}
    outcome = {name: value for name, value in given.items() if value is not None}
    sequences = list(signature.sequences) or [_PLACEHOLDER]
    of_images = {} if signature.extract.get(FROM_TABLE) else {"extract": dict(signature.extract)}
    return {
        "study": f"External validation of the model '{signature.model}' of {signature.study}",
        "cohort": {"outcome": outcome, "split": {"train": 0.5}, **({} if signature.sequences else _NO_IMAGES)},
        "sequences": sequences,
        "prepare": [dict(step) for step in signature.prepare],
        **of_images,
        "model": {"select": [], "models": {signature.model: {"clinical": {}}}, "signature": None},
    }


def _refuse_other_source(signature: Signature, written: Protocol, file: Path) -> None:
    """Refuse images for a signature of a feature table, another declaration of standardised features, and a cohort
    without a sequence of the signature.
    """
    lacking = [name for name in signature.sequences if name not in written.sequences]
    if lacking:
        raise RefusedError(
            f"{file}: the model '{signature.model}' needs {listed(lacking)}, which 'sequences' does not name "
            f"({listed(list(written.sequences))}). To do: leave 'sequences' out, or name {listed(lacking)} as the "
            "signature does"
        )
    if not signature.sequences:
        return
    if signature.extract.get(FROM_TABLE) and written.features is None:
        raise RefusedError(
            f"{file}: the model '{signature.model}' was made from a table of features that were computed elsewhere, so "
            "it cannot be validated on images. To do: give a table of the same features (section 'features')"
        )
    theirs, ours = signature.extract.get(STANDARDISED), written.features and written.features.standardised
    if theirs == ours:
        return
    if theirs is None:
        raise RefusedError(
            f"{file}: features.standardised is '{ours}', but the signature was made from features as extracted. To do: "
            "give the features as extracted, and leave 'standardised' out"
        )
    raise RefusedError(
        f"{file}: the signature was made from features that were standardised over the {theirs.replace('-', ' ')} "
        "before the study, so it fits only tables with the same treatment. To do: if this table was standardised over "
        f"its own patients, write 'standardised: {theirs}' in the section 'features'"
    )


def _sealed(written: Protocol) -> Iterator[str]:
    """Find sealed results: a validation has no other result than that of its patients."""
    if written.evaluate.sealed:
        yield "evaluate.sealed is of studies; a validation shows its results. To do: remove 'sealed'"


def _other_images(signature: Signature, written: Protocol, data: Path) -> Iterator[str]:
    """Find settings of the images' preparation and extraction that differ from the signature's."""
    if written.features is not None or not signature.sequences:
        return
    if signature.steps != written.prepare:
        yield (
            "'prepare' differs from the signature's. To do: leave 'prepare' out (also of a preset); the signature's "
            "own preparation is used"
        )
    own = Extract.model_validate(dict(signature.extract))
    if own.deciding_features() == written.extract.deciding_features():
        return
    if written.extract.params is not None and settings_of_study(written.extract, data) == signature.settings:
        return
    ours, theirs = own.deciding_features(), written.extract.deciding_features()
    names = [f"{name} is {theirs[name]}, in the signature {ours[name]}" for name in ours if ours[name] != theirs[name]]
    yield (
        f"'extract' differs from the signature's ({'; '.join(names)}). To do: leave 'extract' out; the signature's own "
        "settings are used"
    )


def _other_codebook(signature: Signature, written: Protocol) -> Iterator[str]:
    """Find clinical variables that the file codes otherwise than the signature."""
    for name, codebook in signature.clinical.items():
        variable, theirs = written.cohort.clinical.get(name), ClinicalVariable.model_validate(dict(codebook))
        if variable is None:
            continue
        for setting in ("levels", "unit"):
            ours, wanted = getattr(variable, setting), getattr(theirs, setting)
            if ours != wanted:
                yield (
                    f"cohort.clinical.{name}: {setting} is {_shown(ours)}, in the signature {_shown(wanted)}. To do: "
                    "write the table's values as the signature has them; the column's name may differ (column)"
                )


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"'{value}'" if value else "not given"


def _as_needed(signature: Signature, written: Protocol) -> Protocol:
    """Return the file with the signature's sequences, variables and model, without what only a study needs."""
    clinical = {name: ClinicalVariable.model_validate(dict(book)) for name, book in signature.clinical.items()}
    cohort = written.cohort.model_copy(
        update={
            "split": EXTERNAL,
            "readers": written.cohort.readers[:1],
            "clinical": {**clinical, **written.cohort.clinical},
        }
    )
    sequences, features = _sequences(signature, written, cohort)
    own = Model(sequences=signature.sequences) if signature.sequences else Model(clinical=ClinicalModel())
    none = dict.fromkeys(("chance", "baselines", "resampling", "primary"))
    return written.model_copy(
        update={
            "cohort": cohort,
            "sequences": sequences,
            "features": features,
            "prepare": signature.steps,
            "extract": _extract(signature, written),
            "agree": written.agree.model_copy(update={"icc": None}),
            "model": written.model.model_copy(
                update={"select": (), "models": {signature.model: own}, "signature": signature.model}
            ),
            "evaluate": written.evaluate.model_copy(update=none),
            "report": written.report.model_copy(update={"leave_out": (), "move": {}}),
            "notice": " ".join(dict.fromkeys(filter(None, (signature.notice, written.notice)))),
        }
    )  # fmt: skip


def _extract(signature: Signature, written: Protocol) -> Extract:
    if signature.extract.get(FROM_TABLE):
        return written.extract
    return Extract.model_validate(dict(signature.extract)).model_copy(update={"maps": None})


def _sequences(
    signature: Signature, written: Protocol, cohort: CohortSection
) -> tuple[tuple[str, ...], Features | None]:  # fmt: skip
    """Return the sequences to read, and the features without those of other sequences."""
    if not signature.sequences:
        return (), None
    features, needed = written.features, set(signature.sequences)
    if features is not None and features.sequence is not None:  # rows of other sequences would be unknown
        return written.sequences, features
    if cohort.transfer is not None:
        needed |= {cohort.transfer.from_, *cohort.transfer.to}
    sequences = tuple(name for name in written.sequences if name in needed)
    if features is None:
        return sequences, None
    kept: dict[str, Mapping[str, Any]] = {"columns": {n: c for n, c in features.columns.items() if n in needed}}
    if features.tables is not None:
        kept["tables"] = {name: table for name, table in features.tables.items() if name in needed}
    return sequences, features.model_copy(update=kept)


def _notes(signature: Signature, written: Protocol, protocol: Protocol) -> Iterator[str]:
    """Say what is not used of the file, and what cannot be verified."""
    ours, theirs = protocol.cohort.outcome, signature.outcome
    yield (
        f"The model predicts {theirs['label']} = {theirs['positive']}; in this cohort that is {ours.column} = "
        f"{ours.positive}."
    )
    dropped = [name for name in written.sequences if name not in protocol.sequences and name != _PLACEHOLDER]
    if dropped:
        yield f"The model does not use {listed(dropped)}: not read."
    if len(written.cohort.readers) > 1:
        yield f"Masks of {written.cohort.readers[0]} alone are used, the first of cohort.readers."
    if protocol.features is not None and not signature.extract.get(FROM_TABLE):
        yield (
            "The features come from a table: whether they were computed with the signature's settings cannot be "
            "verified here."
        )
