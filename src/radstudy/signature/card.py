"""Model card: a page in Markdown about a signature, with nothing that is not in the signature itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from radstudy.signature.document import HASH, USE, Signature, document_of

NOMOGRAM = "report/figures/nomogram.svg"


def model_card(signature: Signature) -> str:
    """Return the model card of a signature as Markdown."""
    document = document_of(signature)
    parts = (_head, _use, _cohort, _acquisition, _formula, _performance, _limits, _files)
    return "\n".join(line for part in parts for line in part(signature, document)) + "\n"


Lines = Iterator[str]
Document = Mapping[str, Any]


def _head(signature: Signature, document: Document) -> Lines:
    yield f"# Model card: {_text(signature.model)}"
    yield ""
    yield f"Study: {_text(signature.study)}. {USE}"
    if signature.notice:
        yield ""
        yield f"**{_text(signature.notice)}**"
    yield ""


def _use(signature: Signature, document: Document) -> Lines:
    outcome, population = signature.outcome, document["population"]
    yield "## Use"
    yield ""
    yield f"- Predicts the probability of {_text(outcome['label'])} = {_text(outcome['positive'])}."
    if population is not None:
        yield f"- {_text(population['description'])}"
        if population["excluded"]:
            yield f"- Excluded from the study: {_text('; '.join(population['excluded']))}."
    needs = [*signature.sequences, *signature.clinical]
    yield f"- Needs: {_text(', '.join(needs)) or 'nothing: the model is its intercept'}."
    yield "- `radstudy predict` compares each patient with the training patients, and refuses those who differ."
    yield ""


def _cohort(signature: Signature, document: Document) -> Lines:
    cohort, training = document["cohort"], signature.training
    yield "## Patients"
    yield ""
    if cohort is None:
        sizes = f"{training['patients']} patients, {training['lesions']} lesions, {training['positive']} positive"
        yield f"- Training: {sizes}."
        yield ""
        return
    for which in ("training", "testing"):
        sizes = cohort[which]
        yield (
            f"- {which.capitalize()}: {sizes['patients']} patients, {sizes['lesions']} lesions, {sizes['positive']} "
            "positive."
        )
    for name, facts in cohort["clinical"].items():
        yield f"- {_text(name)} (training): {_text(_clinical(facts))}."
    yield ""


def _clinical(facts: Mapping[str, Any]) -> str:
    if "levels" in facts:
        return ", ".join(f"{level} {count}" for level, count in facts["levels"].items())
    if facts["median"] is None:
        return "no value known"
    return f"median {facts['median']:.4g} {facts['unit'] or ''}".rstrip() + f" ({facts['q1']:.4g} to {facts['q3']:.4g})"


def _acquisition(signature: Signature, document: Document) -> Lines:
    yield "## Images"
    yield ""
    acquisition = document["acquisition"] or {}
    for sequence in signature.sequences:
        facts = acquisition.get(sequence)
        if facts is None:
            yield f"- {_text(sequence)}: the acquisition is not known, because no import of radstudy wrote the images."
            continue
        ranges = [f"{name} {_between(one)}" for name, one in facts["ranges"].items()]
        values = [f"{name} {', '.join(ones)}" for name, ones in facts["values"].items()]
        yield f"- {_text(sequence)} ({facts['images']} images): {_text('; '.join(ranges + values))}."
    grids = signature.distribution.images if signature.distribution is not None else {}
    for sequence, grid in grids.items():
        axes = " x ".join(" to ".join(dict.fromkeys((f"{one.low:.4g}", f"{one.high:.4g}"))) for one in grid.spacing_mm)
        yield f"- {_text(sequence)}: voxels of {axes} mm (finest axis first)."
    yield f"- Steps in order: {_text(', '.join(document['settings']['order'])) or 'none'}."
    yield ""


def _between(one: Mapping[str, float]) -> str:
    return f"{one['low']:g}" if one["low"] == one["high"] else f"{one['low']:g} to {one['high']:g}"


def _formula(signature: Signature, document: Document) -> Lines:
    yield "## Formula"
    yield ""
    yield f"log-odds = {signature.form.intercept:.6g} + sum of coefficient * (value - centre) / scale"
    yield ""
    yield "| term | IBSI | unit | centre | scale | coefficient | training range |"
    yield "|---|---|---|---|---|---|---|"
    for term in document["formula"]["terms"]:
        definition, (low, high) = term["definition"], term["training_range"]
        code, tag = definition.get("ibsi_code"), definition.get("ibsi_tag")
        known = f"{code} ({tag})" if code else ""
        yield (
            f"| {_text(term['name'])} | {known} | {_text(definition.get('unit') or '')} | "
            f"{term['centre']:.6g} | {term['scale']:.6g} | {term['coefficient']:+.4g} | {low:.6g} to {high:.6g} |"
        )
    yield ""
    rule = document["cutoff_rule"]
    how = "" if rule is None else f", by the rule '{rule['rule']}' on the training patients"
    none = "none: the rule classifies no patient as positive"
    cutoff = none if np.isinf(signature.cutoff) else f"{signature.cutoff:.4f}"
    yield f"Cut-off: {cutoff}{how}. The digits above are rounded; signature.json has all of them."
    yield ""


def _performance(signature: Signature, document: Document) -> Lines:
    yield "## Performance"
    yield ""
    facts = document["performance"]
    if facts is None:
        yield "Not evaluated."
        yield ""
        return
    for which in ("training", "testing"):
        row = facts[which]
        if row and "auc" in row:
            yield f"- AUC in {which}: {row['auc']:.3f}{_limits_of(row, 'auc')}, {row['rows']} lesions."
        else:
            yield f"- AUC in {which}: not computed."
    nested = facts["nested"]
    if nested and "nested_auc" in nested:
        yield (
            f"- Nested cross-validation, every step inside the folds: AUC {nested['nested_auc']:.3f}"
            f"{_limits_of(nested, 'nested')}."
        )
    else:
        yield "- Nested cross-validation: not done."
    for measure, row in (facts["chance"] or {}).items():
        if "chance_median" in row:
            yield (
                f"- Chance ({_text(measure)}, {row['permutations']} permuted outcomes): median AUC "
                f"{row['chance_median']:.3f}{_limits_of(row, 'chance')}; p = {row['p_value']:.3g}."
            )
    if not facts["chance"]:
        yield "- Chance by permuted outcomes: not done."
    calibration = facts["calibration"]
    if calibration and "slope" in calibration:
        yield f"- Calibration in testing: slope {calibration['slope']:.2f}{_limits_of(calibration, 'slope', 2)}."
    yield ""


def _limits_of(row: Mapping[str, Any], name: str, digits: int = 3) -> str:
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"


def _limits(signature: Signature, document: Document) -> Lines:
    yield "## Limits"
    yield ""
    yield "- This page describes one study, and says nothing about patients, scanners or protocols that it lacked."
    yield "- No external validation is recorded in this file."
    refits = signature.refits
    if refits is None:
        yield "- A prediction has no interval: the study refitted no model on bootstrap samples."
    else:
        yield (
            f"- The interval of a prediction comes from {len(refits.forms)} refits on bootstrap samples of the "
            "training patients, with every step of the selection redone."
        )
    yield ""


def _files(signature: Signature, document: Document) -> Lines:
    yield "## Files"
    yield ""
    yield f"- `signature.json`, hash {document[HASH]}; `radstudy signature check signature.json` verifies it."
    yield f"- `{NOMOGRAM}` in the folder of the run: the nomogram, if the report drew it."
    software = ", ".join(f"{name} {version}" for name, version in signature.versions.items())
    processor = signature.about.get("machine", {}).get("processor", "")
    yield f"- Made with {_text(software)}{f', on {_text(processor)}' if processor else ''}."


def _text(text: object) -> str:
    """Return a text of the study that cannot become Markdown or HTML of its own."""
    plain = " ".join(str(text).split())
    for sign in ("\\", "`", "*", "_", "[", "]", "<", ">", "|", "#"):
        plain = plain.replace(sign, f"\\{sign}")
    return plain
