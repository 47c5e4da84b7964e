"""Step 5, model: select features and fit every model, on training rows alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from radstudy.cohort.codebook import design_columns
from radstudy.modelling.clinical import ClinicalScreen
from radstudy.modelling.design import design_table, usable_rows
from radstudy.modelling.models import (
    CLASSIFIER,
    LinearForm,
    build,
    candidates,
    clinical_of,
    leaves,
    linear_form,
    sequences_of,
)
from radstudy.modelling.selection import FeatureFilter
from radstudy.signature.document import make_signature, write_signature
from radstudy.steps.agree import read_reproducible
from radstudy.steps.cohort import read_rows
from radstudy.steps.extract import read_features
from radstudy.steps.run import Run
from radstudy.store import file_hash, write_csv, write_json

STEP = "model"


def do_model(run: Run) -> None:
    """Fit the models of the study file; write their formulas, selections, predictions and signatures."""
    settings = {
        "model": run.protocol.model.model_dump(mode="json", by_alias=True),
        "seed": run.protocol.seed,
        "clinical": [variable.model_dump(mode="json") for variable in run.protocol.cohort.clinical.values()],
    }
    inputs = {"agree": run.key_of("agree"), "rows": file_hash(run.path("cohort", "rows.csv"))}
    with run.step(STEP, settings=settings, inputs=inputs) as due:
        if due:
            _model(run)


def _model(run: Run) -> None:
    protocol = run.protocol
    rows = read_rows(run)
    features = read_features(run)
    codebook = {name: protocol.cohort.clinical[name] for name in candidates(protocol)}
    clinical = design_columns(codebook, rows)
    design = design_table(features, read_reproducible(run), clinical, reader=protocol.reader)
    extracted = {name: features.of(name, protocol.reader).index for name in protocol.sequences}
    fitted = [
        _fit(run, name, rows, design, usable_rows(protocol, name, design, extracted))
        for name in run.bar(protocol.model.models, len(protocol.model.models), "models")
    ]
    write_json(run.path(STEP, "models.json"), {item["model"]: item["facts"] for item in fitted})
    for name in ("funnel", "dropped", "features", "predictions", "clinical_screen"):
        parts = [pd.DataFrame(item[name], columns=_COLUMNS[name]) for item in fitted]
        write_csv(run.path(STEP, f"{name}.csv"), pd.concat([p for p in parts if len(p)] or parts[:1]))


_COLUMNS = {
    "funnel": ["model", "branch", "step", "entered", "kept"],
    "dropped": ["model", "branch", "step", "feature", "reason"],
    "features": ["model", "feature", "imputation", "centre", "scale", "coefficient", "training_low", "training_high"],
    "predictions": ["patient", "lesion", "set", "outcome", "model", "probability"],
    "clinical_screen": ["model", "variable", "p_value", "kept"],
}


def _fit(run: Run, name: str, rows: pd.DataFrame, design: pd.DataFrame, usable: pd.Series) -> dict[str, Any]:
    """Fit one model; everything the step writes about it."""
    protocol = run.protocol
    training = usable & (rows["set"] == "training")
    facts: dict[str, Any] = {
        "sequences": sequences_of(protocol, name),
        "clinical": clinical_of(protocol, name),
        "training_rows": int(training.sum()),
        "testing_rows": int((usable & (rows["set"] == "testing")).sum()),
        "not_used": int((~usable).sum()),
    }
    outcome = rows.loc[training, "outcome"]
    if outcome.nunique() < 2 or outcome.value_counts().min() < 2:
        note = "not fitted: the training rows that this model can use have fewer than two patients in a class"
        return {"model": name, "facts": {**facts, "fitted": False, "note": note}, **{key: [] for key in _COLUMNS}}
    pipeline = build(protocol, name)
    pipeline.fit(design[training], outcome, logistic__groups=design[training].index.get_level_values("patient"))
    form = linear_form(pipeline, design[training])
    facts |= {"fitted": True, "intercept": form.intercept, "C": pipeline.named_steps[CLASSIFIER].C_,
              "empty": not form.terms}  # fmt: skip
    facts["note"] = "no feature survived the selection: the model is its intercept" if not form.terms else ""
    probability = pd.Series(pipeline.predict_proba(design[usable])[:, 1], index=design.index[usable])
    signature = make_signature(protocol, name, form, rows=rows[training], probability=probability[training[usable]])
    write_signature(signature, run.path(STEP, "signatures", f"{slug(name)}.json"))
    if name == protocol.signature_model:
        write_signature(signature, run.out / "signature.json")
    return {
        "model": name,
        "facts": facts,
        "funnel": _funnel(name, pipeline),
        "dropped": _dropped(name, pipeline),
        "features": _features(name, form),
        "predictions": [
            (*index, rows.at[index, "set"], rows.at[index, "outcome"], name, value)
            for index, value in probability.items()
        ],
        "clinical_screen": _screen(name, pipeline),
    }


def slug(name: str) -> str:
    """A model's name as part of a file's name."""
    return "".join(sign if sign.isalnum() or sign in "-+_." else "-" for sign in name)


def _branch(path: tuple[str, ...], name: str) -> str:
    """The model whose selection a step belongs to: the innermost one that the path goes through."""
    inner = [part for before, part in zip(("", *path), path, strict=False) if before == "features"]
    return inner[-1] if inner else name


def _funnel(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    found = []
    for path, step in leaves(pipeline):
        if isinstance(step, FeatureFilter):
            found.append((name, _branch(path, name), path[-1], len(step.kept_), int(step.kept_.sum())))
    return found


def _dropped(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    return [
        (name, _branch(path, name), path[-1], feature, reason)
        for path, step in leaves(pipeline)
        if isinstance(step, FeatureFilter) and _branch(path, name) == name
        for feature, reason in step.dropped_.items()
    ]


def _features(name: str, form: LinearForm) -> list[tuple[Any, ...]]:
    return [
        (name, term.name, term.imputation, term.centre, term.scale, term.coefficient, *term.training_range)
        for term in form.terms
    ]


def _screen(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    return [
        (name, variable, p_value, p_value < step.below)
        for path, step in leaves(pipeline)
        if isinstance(step, ClinicalScreen)
        for variable, p_value in step.p_values_.items()
    ]
