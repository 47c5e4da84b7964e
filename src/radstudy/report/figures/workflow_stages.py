"""The stages of the run with their counts, as the figure of the workflow draws them, from the files that it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from PIL import Image

from radstudy.protocol.words import listed
from radstudy.report.analysed import LESION, analysed_rows, counts
from radstudy.report.chance import CHANCE_FILE
from radstudy.report.display import plural, plural_span, span, thousands
from radstudy.report.facts import SUMMARY, TESTING, TRAINING, RunFacts
from radstudy.report.figures.boxes import FlowBox
from radstudy.report.pictures import axial_pictures, contours_of
from radstudy.report.tables.features import step_name
from radstudy.report.text.evidence import (
    DELONG,
    RESAMPLED,
    TABLE3,
    agreement,
    agreement_tested,
    fitted,
    leading_model,
    leading_model_is,
    rows,
)
from radstudy.report.text.images import TRANSFERRED, VOLUMES, prepared_by, transferred

_LESIONS, _ROWS, _MODELS = "prepare/lesions.csv", "cohort/rows.csv", "model/models.json"
_FUNNEL, _TERMS, _PREDICTIONS = "model/funnel.csv", "model/features.csv", "model/predictions.csv"
_CALIBRATION, _DECISION = "evaluate/calibration.csv", "evaluate/decision_curves.csv"
_OTHER, _LEAKS, _VOLUME = (
    "evaluate/other_reader/moved.csv", "evaluate/leaks/checked.json", "evaluate/baselines/beside_volume.csv",
)  # fmt: skip
READ_FILES = (
    VOLUMES, _LESIONS, TRANSFERRED, SUMMARY, "agree/summary.json", "agree/icc.csv", _FUNNEL, _TERMS, _MODELS, _ROWS,
    _PREDICTIONS, TABLE3, DELONG, _CALIBRATION, _DECISION, CHANCE_FILE, RESAMPLED, _OTHER, _LEAKS, _VOLUME,
)  # fmt: skip


@dataclass(frozen=True)
class WorkflowStage:
    """One row of the figure: its title and its boxes."""

    title: str
    boxes: tuple[FlowBox, ...]


@dataclass(frozen=True)
class Thumbnails:
    """One patient's pictures, by sequence, and the notes that say whose they are."""

    pictures: Mapping[str, Image.Image]
    notes: tuple[str, ...]


def stages_of_run(facts: RunFacts, pictures: Mapping[str, Image.Image]) -> list[WorkflowStage]:
    """The stages that have something to tell.

    Parameters
    ----------
    facts : the run.
    pictures : sequence to the picture of one patient.
    """
    model = leading_model(facts)
    readers = "Segmentation" if facts.protocol.features is None else "Reproducibility"
    named: dict[str, Iterator[FlowBox]] = {
        "Images": _images(facts, pictures), "Image preparation": _preparation(facts), readers: _masks(facts),
        "Features": _features(facts), f"Selection for {model}": _selection(facts, model),
        "Models": _models(facts, model), "Evaluation": _evaluation(facts),
    }  # fmt: skip
    stages = [WorkflowStage(title, tuple(boxes)) for title, boxes in named.items()]
    return [stage for stage in stages if stage.boxes]


def thumbnails_of(facts: RunFacts) -> Thumbnails:
    """The pictures of the first patient, in the cohort's order, who has them on the most sequences."""
    lesions = rows(facts, _LESIONS, *LESION)[LESION].drop_duplicates()
    wanted = len(facts.protocol.sequences)
    stems = {path.stem for path in facts.pictures}
    known = [
        sum(f"{patient}_{lesion}_{sequence}" in stems for sequence in facts.protocol.sequences)
        for patient, lesion in lesions.itertuples(index=False)
    ]
    if not known or not max(known):
        return Thumbnails({}, ())
    patient, lesion = map(str, lesions.iloc[known.index(max(known))])
    pictures = axial_pictures(facts, patient, lesion)
    if not pictures:
        return Thumbnails({}, ())
    which = "on all sequences" if max(known) == wanted else "on the most sequences"
    note = (
        f"Pictures: patient {patient}, the first of the cohort with pictures {which}; the axial slice with the largest "
        f"section of the lesion, after preparation, with {contours_of(facts, patient, lesion)}."
    )
    return Thumbnails(pictures, (note,))


def _images(facts: RunFacts, pictures: Mapping[str, Image.Image]) -> Iterator[FlowBox]:
    if facts.protocol.features is not None:
        if SUMMARY in facts.documents:
            yield FlowBox("Table of features", ("computed elsewhere; no image was read",))
        return
    volumes = rows(facts, VOLUMES, "sequence")
    for sequence in facts.protocol.sequences:
        count = int((volumes["sequence"] == sequence).sum())
        if count:
            yield FlowBox(sequence, (plural(count, "volume"),), pictures.get(sequence), joined="")


def _preparation(facts: RunFacts) -> Iterator[FlowBox]:
    for step, volumes in prepared_by(facts):
        heading, setting = step.brief()
        yield FlowBox(heading, tuple(filter(None, (setting, volumes))))
    if facts.protocol.features is not None or SUMMARY not in facts.documents:
        return
    settings = facts.extraction
    if (spacing := settings.resampled_spacing_mm) is not None:
        sizes = " x ".join(f"{size:g}" if size else "acquired" for size in spacing)
        yield FlowBox("Resampling", (f"to {sizes} mm",))
    bins = f"{settings.bin_count} bins" if settings.bin_count is not None else f"bin width {settings.bin_width:g}"
    yield FlowBox("Discretisation", (bins,))


def _masks(facts: RunFacts) -> Iterator[FlowBox]:
    lesions = rows(facts, _LESIONS, "reader", *LESION)
    if "transferred_from" in lesions:
        lesions = lesions[lesions["transferred_from"].isna() | (lesions["transferred_from"] == "")]
    for reader in facts.protocol.cohort.readers:
        own = lesions[lesions["reader"] == reader]
        if not len(own):
            continue
        first = reader == facts.protocol.reader
        use = ("masks of the models",) if first else ("agreement only",) if agreement_tested(facts) else ()
        yield FlowBox(reader, (plural(len(own[LESION].drop_duplicates()), "lesion"), *use), joined="")
    moved = transferred(facts)
    if len(moved) and facts.protocol.cohort.transfer is not None:
        where = f"from {facts.protocol.cohort.transfer.from_}"
        yield FlowBox("Transferred", (plural(len(moved), "mask"), where), joined="+")
    if agreement_tested(facts):
        agreed = agreement(facts)
        bound = "lower 95% limit of " if agreed.get("by", "estimate") == "lower" else ""
        test = f"{bound}{agreed['form']} above {agreed['above']:g}"
        yield FlowBox("Agreement of readers", (test, plural_span(agreed["lesions"].values(), "lesion")))


def _features(facts: RunFacts) -> Iterator[FlowBox]:
    """Features per sequence, those kept for their agreement between readers, and their totals."""
    if SUMMARY not in facts.documents:
        return
    agreed = agreement(facts)
    given = agreed.get("of_sequence") or dict.fromkeys(facts.protocol.sequences, facts.document(SUMMARY)["features"])
    tested = agreement_tested(facts)
    own = [sequence for sequence in facts.protocol.sequences if sequence in given]
    for sequence in own:
        kept = (f"{thousands(agreed['kept'].get(sequence, 0))} reproducible",) if tested else ()
        yield FlowBox(sequence, (plural(given[sequence], "feature"), *kept), joined="" if sequence == own[0] else "+")
    if len(own) > 1 or tested:
        kept = (
            (f"{thousands(sum(agreed['kept'].get(sequence, 0) for sequence in own))} reproducible",) if tested else ()
        )
        yield FlowBox("In total", (plural(sum(given[sequence] for sequence in own), "feature"), *kept))


def _selection(facts: RunFacts, model: str) -> Iterator[FlowBox]:
    """One line per branch: the candidates, and what each step left."""
    funnel = rows(facts, _FUNNEL, "model", "branch", "step")
    own = funnel[funnel["model"] == model]
    for branch in dict.fromkeys(own["branch"]):
        part = own[own["branch"] == branch]
        first = part.iloc[0]
        yield FlowBox(f"{branch}: {thousands(int(first['entered']))}", joined="", begins=True)
        for _, row in part.iterrows():
            yield FlowBox("", (f"{step_name(str(row['step']))}: {thousands(int(row['kept']))}",))


def _models(facts: RunFacts, model: str) -> Iterator[FlowBox]:
    records = fitted(facts)
    if not records:
        return
    kinds = dict.fromkeys(str(record.get("classifier", "")).replace("_", " ") for record in records.values())
    specified = f"of {len(facts.models)} specified" if len(facts.models) != len(records) else ""
    said = tuple(filter(None, (specified, listed([kind for kind in kinds if kind]))))
    yield FlowBox(f"{plural(len(records), 'model')} fitted", said)
    terms = rows(facts, _TERMS, "model", "feature")
    count = "intercept only" if records[model].get("empty") else plural(int((terms["model"] == model).sum()), "term")
    yield FlowBox(model, (leading_model_is(facts), count), joined="")
    if _ROWS not in facts.frames:
        return
    for name in (TRAINING,) if facts.sealed else (TRAINING, TESTING):
        pair = counts(analysed_rows(facts), name)
        if sum(pair):
            said = tuple(f"{count} {group}" for count, group in zip(pair, facts.groups, strict=True))
            yield FlowBox(f"{name.title()} set", (plural(sum(pair), "patient"), *said), joined="")


def _evaluation(facts: RunFacts) -> Iterator[FlowBox]:
    for heading, details in _EVALUATED.items():
        told = details(facts)
        if told is not None:
            yield FlowBox(heading, told, joined="")


def _has(name: str, column: str) -> Callable[[RunFacts], tuple[str, ...] | None]:
    return lambda facts: () if len(rows(facts, name, column)) else None


def _areas(facts: RunFacts) -> tuple[str, ...] | None:
    sets = [name for name in (TRAINING, TESTING) if name in set(rows(facts, TABLE3, "auc", "set")["set"])]
    return (listed(sets),) if sets else None


def _permuted(facts: RunFacts) -> tuple[str, ...] | None:
    known = rows(facts, CHANCE_FILE, "permutations", "p_value")
    return (plural_span(known["permutations"], "permutation"),) if len(known) else None


def _resampled(column: str, *counted: str) -> Callable[[RunFacts], tuple[str, ...] | None]:
    """The parts of the resampling that gave results, with their numbers of repeats, folds, splits or resamples."""

    def details(facts: RunFacts) -> tuple[str, ...] | None:
        known: pd.DataFrame | Any = rows(facts, RESAMPLED, column, *counted)
        return (", ".join(f"{span(known[name])} {name}" for name in counted),) if len(known) else None

    return details


_EVALUATED: Mapping[str, Callable[[RunFacts], tuple[str, ...] | None]] = {
    "ROC curves and AUC": _areas,
    "DeLong tests": _has(DELONG, "p_value"),
    "Calibration": _has(_CALIBRATION, "slope"),
    "Decision curves": _has(_DECISION, "net_benefit"),
    "Permutation tests": _permuted,
    "Nested cross-validation": _resampled("nested_auc", "repeats", "folds"),
    "Other splits": _resampled("split_median", "splits"),
    "Bootstrap": _resampled("out_of_bag_auc", "resamples"),
    "Lesion volume alone": _has(_VOLUME, "p_value"),
    "Other reader's masks": _has(_OTHER, "auc_other"),
    "Leak detector": lambda facts: () if _LEAKS in facts.documents else None,
}
