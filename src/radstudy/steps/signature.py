"""Part of step 6, evaluate: complete signature.json with refits and performance, and write its model card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.artefacts import TableFile, beside
from radstudy.artefacts import evaluate as files
from radstudy.artefacts.beside import MODEL_CARD
from radstudy.artefacts.cohort import FLOW
from radstudy.artefacts.model import SIGNATURE
from radstudy.modelling.refits.forms import refitted_forms
from radstudy.provenance import PROVENANCE
from radstudy.signature.card import model_card
from radstudy.signature.document import Signature, read_signature, with_vector, write_signature
from radstudy.signature.facts import acquisition_facts, cohort_facts, performance_facts, population_facts
from radstudy.signature.refits import RefittedForms
from radstudy.statistics.bootstrap import fewest_for_share
from radstudy.steps.acquisitions import acquisitions
from radstudy.steps.cohort import read_rows
from radstudy.steps.design import read_design
from radstudy.steps.model import fitted_models, signature_file
from radstudy.steps.refits import announce, engine_of, kept_chunks, shares_of
from radstudy.steps.run import Run
from radstudy.store import content_hash, file_hash, read_json, write_text

STEP = "evaluate/signature"
SETTING = "evaluate.resampling"
_TABLES = {
    "performance": files.TABLE3, "calibration": files.CALIBRATION, "resampling": beside.RESAMPLING,
    "chance": beside.CHANCE,
}  # fmt: skip


def do_signature(run: Run) -> None:
    """Write signature.json again with what the evaluation found, and model_card.md.

    The signature of the step `model` stays as it is in model/signatures; no number of the formula changes.
    """
    name = run.protocol.signature_model
    if name is None or name not in fitted_models(run) or not (base := signature_file(run, name)).exists():
        run.folder(STEP).retire()
        return
    resampling = run.protocol.evaluate.resampling
    scanned = acquisitions(run)
    tables = {which: table for which, table in _TABLES.items() if _is_of_this_run(run, which)}
    settings = {
        "refits": None if resampling is None else resampling.model_dump(mode="json", include={"bootstrap", "slow"}),
        "level": run.protocol.evaluate.interval.level,
    }
    inputs = {
        "model": run.key_of("model"), "signature": file_hash(base), "acquisition": content_hash(scanned),
        **{which: file_hash(file) for which, table in tables.items() if (file := table.file(run.out)).is_file()},
    }  # fmt: skip
    with run.step(STEP, settings=settings, inputs=inputs) as due:
        if due:
            _write(run, read_signature(base), scanned, tables)


def _is_of_this_run(run: Run, which: str) -> bool:
    """True if the study file still asks for a table, which may lie in the folder from before."""
    section = run.protocol.evaluate
    return {"resampling": section.resampling, "chance": section.chance}.get(which, True) is not None


def _write(run: Run, base: Signature, scanned: list[dict[str, Any]], tables: dict[str, TableFile]) -> None:
    rows = read_rows(run)
    training = {str(name) for name in rows[rows["set"] == "training"].index.get_level_values("patient")}
    cutoff = run.protocol.evaluate.cutoff
    about = {
        "cutoff_rule": {"rule": cutoff.rule, **cutoff.model_dump(mode="json")},
        "machine": read_json(run.path("model", PROVENANCE))["machine"],
        **base.about,
        "population": population_facts(FLOW.read(run.out), base.outcome, base.study),
        "acquisition": acquisition_facts(scanned, base.sequences, training),
        "cohort": cohort_facts(rows, run.protocol.cohort.clinical),
        "performance": performance_facts(base.model, {name: _table(table, run.out) for name, table in tables.items()}),
    }
    whole = replace(base, about=about, refits=_refits(run, base.model))
    if whole.vector is None:  # of a run whose step `model` was done by an earlier version
        whole = with_vector(whole)
    write_signature(whole, SIGNATURE.file(run.out))
    write_text(MODEL_CARD.file(run.out), model_card(whole))


def _table(table: TableFile, run: Path) -> pd.DataFrame:
    return table.read(run) if table.file_to_read(run).is_file() else pd.DataFrame()


def _refits(run: Run, name: str) -> RefittedForms | None:
    """The formulas of bootstrap samples of the training patients, at least as many as an interval needs."""
    section, level = run.protocol.evaluate.resampling, run.protocol.evaluate.interval.level
    shares = [] if section is None or not section.bootstrap else shares_of(run, [name], section.slow)
    if not shares or section is None:
        return None
    (share,) = shares
    drawn = share.count(max(section.bootstrap, fewest_for_share(level)))
    design = read_design(run)
    announce(run, design, shares, {name: drawn}, SETTING, "Refits of the signature")
    forms = refitted_forms(
        engine_of(run, design, [name]), design.outcome, design.places("training"), resamples=drawn,
        chunks=kept_chunks(run, STEP, "forms", "refits of the signature", "resamples", share),
    )  # fmt: skip
    refits = RefittedForms(drawn, level, forms)
    codebook = run.protocol.cohort.clinical
    return replace(refits, clinical={name: codebook[name].model_dump(mode="json") for name in refits.variables})
