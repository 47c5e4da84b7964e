"""Step 5, model: select features and fit every model, on training rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from radstudy.artefacts import TableFile, prepare
from radstudy.artefacts import model as files
from radstudy.artefacts.cohort import ROWS
from radstudy.artefacts.records.model import FittedModel
from radstudy.file_names import stems
from radstudy.modelling.clinical import ClinicalScreen
from radstudy.modelling.design import refuse_gaps, refuse_unseen_sites
from radstudy.modelling.funnel import dropped, funnel, funnel_of_sequences
from radstudy.modelling.models import (
    CLASSIFIER,
    LinearForm,
    build,
    clinical_of,
    leaves,
    linear_form,
    sequences_of,
)
from radstudy.modelling.selection.ranking import RankedFilter
from radstudy.modelling.validation import TooFewError
from radstudy.protocol import Protocol
from radstudy.signature.document import make_signature, write_signature
from radstudy.steps.design import read_design
from radstudy.steps.history import note_testing
from radstudy.steps.run import Run, stacked
from radstudy.store import file_hash, write_text
from radstudy.table import SEPARATOR, SITE, FeatureTable

STEP = "model"


def settings_of(protocol: Protocol) -> dict[str, Any]:
    """The settings that this step depends on."""
    return {
        "model": protocol.model.model_dump(mode="json", by_alias=True),
        "seed": protocol.seed,
        "cutoff": protocol.evaluate.cutoff.model_dump(mode="json"),  # of the signatures
        "clinical": [variable.model_dump(mode="json") for variable in protocol.cohort.clinical.values()],
    }


def do_model(run: Run) -> None:
    """Fit the models of the study file; write their formulas, selections, predictions and signatures."""
    inputs = {"agree": run.key_of("agree"), "rows": file_hash(ROWS.file(run.out))}
    with run.step(STEP, settings=settings_of(run.protocol) | run.seal, inputs=inputs) as due:
        if due:
            if not run.sealed:
                note_testing(run.out)
            _model(run)
    _restore_signature(run)


def _restore_signature(run: Run) -> None:
    """Write signature.json again if it is gone; the step evaluate completes it."""
    name = run.protocol.signature_model
    whole = files.SIGNATURE.file(run.out)
    if name is not None and not whole.exists() and (own := signature_file(run, name)).exists():
        write_text(whole, own.read_text(encoding="utf-8"))


def _model(run: Run) -> None:
    protocol = run.protocol
    files.SIGNATURE.file(run.out).unlink(missing_ok=True)  # of another choice of models
    design = read_design(run)
    before = _before_selection(design.features, design.reproducible)
    fitted = [
        _fit(run, name, design.rows, design.table, design.usable[name])
        for name in run.bar(protocol.model.models, len(protocol.model.models), "models")
    ]
    files.MODELS.write(run.out, {item.model: item.facts.as_json() for item in fitted})
    if harmonised := [item.model for item in fitted if item.facts.fitted and protocol.model.harmonises(item.model)]:
        run.say(f"no signature of {', '.join(harmonised)}: harmonised by site, so that a value depends on the site")
    for table in _TABLES:
        parts = [table.frame(rows[table]) for rows in (before, *(item.rows for item in fitted)) if table in rows]
        table.write(run.out, stacked(parts, table.names))


_TABLES = (
    files.FUNNEL, files.FUNNEL_SEQUENCES, files.DROPPED, files.FEATURES, files.PREDICTIONS, files.CLINICAL_SCREEN,
)  # fmt: skip
Rows = Mapping[TableFile, Sequence[Mapping[str, Any]]]  # of each table


@dataclass(frozen=True)
class _Fit:
    """Everything that the step writes about one model.

    Parameters
    ----------
    model : its name.
    facts : its record in models.json.
    rows : its rows of each table; none if it could not be fitted.
    """

    model: str
    facts: FittedModel
    rows: Rows = field(default_factory=dict)


def _fit(run: Run, name: str, rows: pd.DataFrame, design: pd.DataFrame, usable: pd.Series) -> _Fit:
    """Fit one model."""
    protocol = run.protocol
    training = usable & (rows["set"] == "training")
    fit = protocol.model.fit_of(name)
    facts = FittedModel(
        sequences=tuple(sequences_of(protocol, name)),
        clinical=tuple(clinical_of(protocol, name)),
        training_rows=int(training.sum()),
        testing_rows=int((usable & (rows["set"] == "testing")).sum()),
        not_used=int((~usable).sum()),
        classifier=fit.word,
        like=protocol.model.models[name].like,
    )
    outcome = rows.loc[training, "outcome"].astype("int64")
    if why := _why_not(outcome) or _no_features(protocol, facts.sequences, design):
        return _not_fitted(name, facts, why)
    refuse_gaps(protocol, name, design[usable])
    if protocol.model.harmonises(name):
        refuse_unseen_sites(name, rows.loc[usable, SITE], training[usable])
    pipeline = build(protocol, name)
    patients = design[training].index.get_level_values("patient")
    try:
        pipeline.fit(design[training], outcome, **{f"{CLASSIFIER}__groups": patients})
    except TooFewError as error:
        return _not_fitted(name, facts, str(error))
    form = linear_form(pipeline, design[training])
    selected = [str(column) for column in pipeline[:-1].get_feature_names_out()]
    used = selected if form is None else [term.name for term in form.terms]
    note = "" if used else "no feature survived the selection: the model is its intercept"
    facts = replace(
        facts,
        fitted=True,
        intercept=None if form is None else form.intercept,
        empty=not used,
        note=note,
        **_chosen(pipeline),
    )
    # by the formula if there is one, to the last digit what `predict` returns: the cut-off is one of these
    shown = training if run.sealed else usable
    predicted = pipeline.predict_proba(design[shown])[:, 1] if form is None else form.probability(design[shown])
    probability = pd.Series(predicted, index=design.index[shown]).reindex(design.index[usable])
    if form is not None:
        signature = make_signature(
            protocol, name, form, rows=rows[training], design=design[training],
            probability=probability[training[usable]], **_prepared(run),
            extraction=run.extraction if protocol.features is None else None,
        )  # fmt: skip
        write_signature(signature, signature_file(run, name))
        if name == protocol.signature_model:
            write_signature(signature, files.SIGNATURE.file(run.out))
    return _Fit(name, facts, {
        files.FUNNEL: funnel(name, pipeline),
        files.FUNNEL_SEQUENCES: funnel_of_sequences(name, pipeline),
        files.DROPPED: dropped(name, pipeline),
        files.FEATURES: _features(name, form) if form else _without_coefficients(name, selected, design[training]),
        files.PREDICTIONS: [
            {"patient": index[0], "lesion": index[1], "set": rows.at[index, "set"],
             "outcome": rows.at[index, "outcome"], "model": name, "probability": value}
            for index, value in zip(probability.index, probability, strict=True)
        ],
        files.CLINICAL_SCREEN: _screen(name, pipeline),
    })  # fmt: skip


def _prepared(run: Run) -> dict[str, pd.DataFrame | None]:
    """The preparation's tables of the images and of the first reader's lesions; None without images."""
    tables = {"volumes": prepare.VOLUMES, "lesions": prepare.LESIONS}
    images = run.protocol.features is None
    frames = {
        name: table.read(run.out) if images and table.file(run.out).exists() else None for name, table in tables.items()
    }
    lesions = frames["lesions"]
    return {**frames, "lesions": None if lesions is None else lesions[lesions["reader"] == run.protocol.reader]}


def _before_selection(features: FeatureTable, reproducible: Mapping[str, list[str]]) -> Rows:
    """The top of the funnel, shared by all models: each sequence's features, and those that the readers reproduce."""
    rows: list[dict[str, Any]] = []
    for sequence, kept in reproducible.items():
        of_sequence = features.frame.index.get_level_values("sequence") == sequence
        known = int(features.frame[of_sequence].notna().any().sum())
        for order, step, count in ((-1, "extract", known), (0, "agree", len(kept))):
            rows.append({"model": "", "branch": "", "order": order, "step": step, "sequence": sequence,
                         "entered": known, "kept": count})  # fmt: skip
    return {files.FUNNEL_SEQUENCES: rows}


def _no_features(protocol: Protocol, sequences: Sequence[str], design: pd.DataFrame) -> str:
    """The reason why a model has nothing to select from, or ""."""
    there = {column.split(SEPARATOR)[0] for column in map(str, design.columns)}
    without = [name for name in sequences if name not in there]
    if not without:
        return ""
    filtered = protocol.agree.icc is not None and len(protocol.cohort.readers) > 1
    return f"no feature of {', '.join(without)} has {'passed the reproducibility filter' if filtered else 'a value'}"


def _why_not(outcome: pd.Series[int]) -> str:
    if outcome.nunique() < 2 or outcome.value_counts().min() < 2:
        return "the training rows that this model can use have fewer than two patients in a class"
    return ""


def _not_fitted(name: str, facts: FittedModel, why: str) -> _Fit:
    return _Fit(name, replace(facts, note=f"not fitted: {why}"))


def _chosen(pipeline: Pipeline) -> dict[str, Any]:
    """The settings of the classifier and the sizes of the selection steps that cross-validation chose."""
    classifier = pipeline.named_steps[CLASSIFIER]
    chosen = {name: getattr(classifier, place) for name, place in _CHOSEN.items() if hasattr(classifier, place)}
    sizes = {
        "/".join(part for part in path if part != "features"): step.size_
        for path, step in leaves(pipeline)
        if isinstance(step, RankedFilter) and step.losses_.size
    }
    return {**chosen, "settings": getattr(classifier, "chosen_", {}), "sizes": sizes}


def fitted_models(run: Run) -> dict[str, FittedModel]:
    """The models that could be fitted, with the record of each."""
    known = {name: FittedModel.from_json(record) for name, record in files.MODELS.read(run.out).items()}
    return {name: known[name] for name in run.protocol.model.models if known[name].fitted}


def read_predictions(run: Run) -> pd.DataFrame:
    """The models' probabilities: one row per (patient, lesion, set, model)."""
    return files.PREDICTIONS.read(run.out)


_CHOSEN = {"C": "C_", "mix": "mix_", "strength": "strength_"}


def file_stem(run: Run, name: str) -> str:
    """A model's name as part of a file's name, another one for each model of the study."""
    return stems(run.protocol.model.models)[name]


def signature_file(run: Run, name: str) -> Path:
    """The path of a model's signature."""
    return run.path(STEP, "signatures", f"{file_stem(run, name)}.json")


def _features(name: str, form: LinearForm) -> list[dict[str, Any]]:
    return [
        {"model": name, "feature": term.name, "imputation": term.imputation, "centre": term.centre,
         "scale": term.scale, "coefficient": term.coefficient, "training_low": term.training_range[0],
         "training_high": term.training_range[1]}
        for term in form.terms
    ]  # fmt: skip


def _without_coefficients(name: str, selected: list[str], training: pd.DataFrame) -> list[dict[str, Any]]:
    """The features of a model without a formula: their names and training ranges alone."""
    lowest, highest = training[selected].min(), training[selected].max()
    nothing = dict.fromkeys(("imputation", "centre", "scale", "coefficient"))
    return [
        {"model": name, "feature": feature, **nothing, "training_low": lowest[feature],
         "training_high": highest[feature]}
        for feature in selected
    ]  # fmt: skip


def _screen(name: str, pipeline: Pipeline) -> list[dict[str, Any]]:
    return [
        {"model": name, "variable": variable, "p_value": p_value, "kept": p_value < step.below}
        for path, step in leaves(pipeline)
        if isinstance(step, ClinicalScreen)
        for variable, p_value in step.p_values_.items()
    ]
