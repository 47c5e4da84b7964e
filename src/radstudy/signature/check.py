"""Verification of a signature.json: layout, hash, and the results that its test vector must give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.errors import CaseError, RefusedError
from radstudy.protocol.sections import Extract
from radstudy.signature.check_vector import CheckVector, VectorResult, measured_features, values_on
from radstudy.signature.document import FORMAT, Signature, document_of, read_document, signature_of, stated_hash
from radstudy.signature.schema import schema_problems
from radstudy.store import plain

FORMULA_AGREES = 1e-12  # relative, of the log-odds
FEATURES_AGREE = 1e-6  # relative: the same on every x86-64 processor; other processors may differ in the last digits


@dataclass(frozen=True)
class CheckedPart:
    """One part of a signature that was verified.

    Parameters
    ----------
    part : layout, hash, parts, settings, formula, image, image formula or refits.
    result : passed, failed, or not checked.
    text : what was verified, and what was found.
    """

    part: str
    result: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return asdict(self)


PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"


def check_signature(path: Path) -> list[CheckedPart]:
    """Verify a signature's layout, hash, settings and test vector.

    Raises
    ------
    RefusedError : the file cannot be read as a signature at all; a damaged or edited one is reported as failed parts.
    """
    document = read_document(path)
    if document.get("format") != FORMAT:
        read = _readable(document, path)
        return [read, *_of_former_format(document)] if read.result == PASSED else [read]
    parts = [_layout(document), _hash(document), _readable(document, path)]
    if all(part.result == PASSED for part in parts if part.part != "hash"):
        signature = signature_of(document, path, unchanged=False)
        parts += [_settings(document, signature), *_vector(signature), _refits(signature)]
    return parts


def _part(part: str, good: bool, text: str) -> CheckedPart:
    return CheckedPart(part, PASSED if good else FAILED, text)


def _of_former_format(document: Mapping[str, Any]) -> Iterator[CheckedPart]:
    missing = "layout by the JSON Schema, hash, settings and test vector"
    yield CheckedPart(
        "hash", NOT_CHECKED,
        f"the format '{document.get('format')}' has no {missing}: a change by hand cannot be noticed. To do: run the "
        "study's step 'evaluate' again",
    )  # fmt: skip


def _layout(document: Mapping[str, Any]) -> CheckedPart:
    problems = schema_problems(document)
    listed = "; ".join(problems)
    return _part("layout", not problems, listed or f"as in signature.schema.json ({FORMAT})")


def _hash(document: Mapping[str, Any]) -> CheckedPart:
    stated, own = stated_hash(document)
    if stated == own:
        return _part("hash", True, f"the content has the stated hash {own}")
    return _part("hash", False, f"the content has the hash {own}, the file states {stated}: it was changed by hand")


def _readable(document: Mapping[str, Any], path: Path) -> CheckedPart:
    try:
        signature = signature_of(document, path, unchanged=False)
    except RefusedError as error:
        return _part("parts", False, str(error))
    return _part("parts", True, f"{len(signature.form.terms)} terms, consistent with the other parts")


def _settings(document: Mapping[str, Any], signature: Signature) -> CheckedPart:
    own, stated = plain(document_of(signature)["settings"]), document["settings"]
    words = ", ".join(stated["order"]) or "none"
    if own == stated:
        return _part("settings", True, f"all settings of {words}, with the hash {stated['hash']}")
    return _part(
        "settings",
        False,
        f"the settings of {words} are not those of 'prepare' and 'extract' as this radstudy reads them",
    )


def _vector(signature: Signature) -> Iterator[CheckedPart]:
    vector = signature.vector
    if vector is None:
        yield CheckedPart("formula", NOT_CHECKED, "the file has no test vector")
        return
    yield _formula("formula", "test vector", vector.vector, vector.vector.again(signature.form))
    if vector.image is None or vector.measured is None:
        yield CheckedPart("image", NOT_CHECKED, f"no test image: {vector.why_not}")
        return
    try:
        yield from _image(signature, vector, vector.measured)
    except CaseError as error:
        yield _part("image", False, f"the test image cannot be measured: {error}")


def _image(signature: Signature, vector: CheckVector, stated: VectorResult) -> Iterator[CheckedPart]:
    assert vector.image is not None
    steps = signature.steps
    section = Extract.model_validate(signature.extract)
    features = measured_features(vector.image, steps, signature.settings, section)
    clinical = {name: np.nan if value is None else value for name, value in vector.vector.values.items()}
    own = VectorResult.of(signature.form, values_on(signature.form, features, clinical))
    differences = {name: _difference(own.values[name], value) for name, value in stated.values.items()}
    worst = max(differences, key=lambda name: differences[name])
    good = differences[worst] <= FEATURES_AGREE
    yield _part(
        "image", good,
        f"{len(differences)} values of the test image measured again: largest relative difference "
        f"{differences[worst]:.2g} ({worst}), at most {FEATURES_AGREE:g} is accepted",
    )  # fmt: skip
    yield _formula("image formula", "test image", stated, stated.again(signature.form))


def _formula(part: str, what: str, stated: VectorResult, own: VectorResult) -> CheckedPart:
    away = max(_difference(own.log_odds, stated.log_odds), abs(own.probability - stated.probability))
    return _part(
        part, away <= FORMULA_AGREES,
        f"{what}: log-odds {own.log_odds:.15g}, probability {own.probability:.15g}; the file states "
        f"{stated.log_odds:.15g} and {stated.probability:.15g}",
    )  # fmt: skip


def _difference(own: float | None, stated: float | None) -> float:
    """Compute the relative difference; 0 for two missing values, infinite if one is missing."""
    if own is None or stated is None:
        return 0.0 if own is stated else float("inf")
    return abs(own - stated) / max(1.0, abs(stated)) if own != stated else 0.0


def _refits(signature: Signature) -> CheckedPart:
    refits = signature.refits
    if refits is None:
        return CheckedPart("refits", NOT_CHECKED, "the file has no refits: predictions have no interval")
    finite = all(np.isfinite([form.intercept, *form.slopes]).all() for form in refits.forms)
    text = f"{len(refits.forms)} formulas of {refits.drawn} bootstrap samples, {len(refits.names)} columns"
    return _part("refits", finite and bool(refits.forms), text)
