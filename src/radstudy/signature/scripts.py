"""Stand-alone scripts of a signature's formula, in R and in Python, which check themselves with the test vector."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from radstudy.errors import RefusedError
from radstudy.signature.check_vector import VectorResult
from radstudy.signature.document import HASH, USE, Signature, document_of

_PYTHON = """#!/usr/bin/env python3
# @HEAD@
#
# python3 SCRIPT.py                     checks the formula with the signature's test vector
# python3 SCRIPT.py patients.csv        also prints the probability of each row
#
# The table has one row per patient and these columns, measured and coded exactly as the signature says:
# @COLUMNS@
# An empty cell is a missing value. This script does not compare a patient with the training patients; it says only
# which values lie outside the training range. `radstudy predict` does both.
import csv
import math
import sys

INTERCEPT = @INTERCEPT@
CUTOFF = @CUTOFF@  # None: the rule classifies no patient as positive
# name, replacement of a missing value (None: refused), centre, scale, coefficient, training range
TERMS = [
@TERMS@
]
# values of the terms in order (None: missing), log-odds, probability
TESTS = [
@TESTS@
]


def log_odds(values):
    total = INTERCEPT
    for (name, replacement, centre, scale, coefficient, _, _), value in zip(TERMS, values):
        if value is None:
            value = replacement
        if value is None or not math.isfinite(value):
            raise ValueError(name + " has no value")
        total += coefficient * ((value - centre) / scale)
    return total


def probability(odds):
    if odds >= 0:
        return 1 / (1 + math.exp(-odds))
    small = math.exp(odds)
    return small / (1 + small)


def check():
    for values, odds, expected in TESTS:
        own = log_odds(values)
        if abs(own - odds) > 1e-12 * max(1, abs(odds)) or abs(probability(own) - expected) > 1e-12:
            sys.exit("FAILED: the formula gives %.17g, the signature states %.17g" % (probability(own), expected))
    print("The formula gives the test vector's %d probabilities." % len(TESTS), file=sys.stderr)


def main():
    check()
    if len(sys.argv) < 2:
        return
    with open(sys.argv[1], newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        missing = [term[0] for term in TERMS if term[0] not in (rows.fieldnames or [])]
        if missing:
            sys.exit("the table has no column " + ", ".join(missing))
        print("row,probability,positive,outside_training_range")
        for number, row in enumerate(rows, 1):
            cells = [(row[term[0]] or "").strip() for term in TERMS]
            values = [None if cell in ("", "NA") else float(cell) for cell in cells]
            outside = [t[0] for t, v in zip(TERMS, values) if v is not None and not t[5] <= v <= t[6]]
            chance = probability(log_odds(values))
            positive = CUTOFF is not None and chance >= CUTOFF
            print('%d,%.17g,%s,"%s"' % (number, chance, "yes" if positive else "no", "; ".join(outside)))


if __name__ == "__main__":
    main()
"""
_R = """#!/usr/bin/env Rscript
# @HEAD@
#
# Rscript SCRIPT.R                      checks the formula with the signature's test vector
# Rscript SCRIPT.R patients.csv         also prints the probability of each row
#
# The table has one row per patient and these columns, measured and coded exactly as the signature says:
# @COLUMNS@
# An empty cell is a missing value. This script does not compare a patient with the training patients; it says only
# which values lie outside the training range. `radstudy predict` does both.
intercept <- @INTERCEPT@
cutoff <- @CUTOFF@  # NA: the rule classifies no patient as positive
term_name <- c(@NAMES@)
replacement <- c(@IMPUTATIONS@)  # of a missing value; NA: refused
centre <- c(@CENTRES@)
scale_by <- c(@SCALES@)
coefficient <- c(@COEFFICIENTS@)
training_low <- c(@LOWS@)
training_high <- c(@HIGHS@)
# values of the terms in order (NA: missing), log-odds, probability
tests <- list(
@TESTS@
)

log_odds <- function(values) {
  values <- ifelse(is.na(values), replacement, values)
  if (any(!is.finite(values))) {
    stop(paste(term_name[!is.finite(values)], collapse = ", "), " has no value")
  }
  total <- intercept
  for (i in seq_along(values)) {
    total <- total + coefficient[i] * ((values[i] - centre[i]) / scale_by[i])
  }
  total
}

for (test in tests) {
  own <- log_odds(test$values)
  if (abs(own - test$log_odds) > 1e-12 * max(1, abs(test$log_odds)) ||
      abs(plogis(own) - test$probability) > 1e-12) {
    stop(sprintf("FAILED: the formula gives %.17g, the signature states %.17g", plogis(own), test$probability))
  }
}
message(sprintf("The formula gives the test vector's %d probabilities.", length(tests)))

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) > 0) {
  patients <- read.csv(arguments[1], check.names = FALSE, fileEncoding = "UTF-8-BOM", na.strings = c("", "NA"))
  missing_columns <- setdiff(term_name, names(patients))
  if (length(missing_columns) > 0) {
    stop("the table has no column ", paste(missing_columns, collapse = ", "))
  }
  cat("row,probability,positive,outside_training_range\\n")
  for (i in seq_len(nrow(patients))) {
    values <- vapply(term_name, function(name) as.numeric(patients[[name]][i]), numeric(1))
    chance <- plogis(log_odds(unname(values)))
    outside <- term_name[!is.na(values) & (values < training_low | values > training_high)]
    positive <- !is.na(cutoff) && chance >= cutoff
    cat(sprintf("%d,%.17g,%s,\\"%s\\"\\n", i, chance, if (positive) "yes" else "no", paste(outside, collapse = "; ")))
  }
}
"""


def python_script(signature: Signature) -> str:
    """Return the formula as a script that needs Python's standard library only.

    Raises
    ------
    RefusedError : the signature has no test vector.
    """
    terms = [
        f"    ({_quoted(t.name)}, {t.imputation!r}, {t.centre!r}, {t.scale!r}, {t.coefficient!r}, "
        f"{t.training_range[0]!r}, {t.training_range[1]!r}),"
        for t in signature.form.terms
    ]
    tests = [
        f"    ([{', '.join(repr(value) for value in one.values.values())}], {one.log_odds!r}, {one.probability!r}),"
        for one in _tests(signature)
    ]
    return _filled(_PYTHON, signature, repr, {"TERMS": "\n".join(terms), "TESTS": "\n".join(tests)})


def r_script(signature: Signature) -> str:
    """Return the formula as a script that needs R without packages.

    Raises
    ------
    RefusedError : the signature has no test vector.
    """
    terms = signature.form.terms
    columns: dict[str, Iterable[float | None]] = {
        "IMPUTATIONS": [t.imputation for t in terms], "CENTRES": [t.centre for t in terms],
        "SCALES": [t.scale for t in terms], "COEFFICIENTS": [t.coefficient for t in terms],
        "LOWS": [t.training_range[0] for t in terms], "HIGHS": [t.training_range[1] for t in terms],
    }  # fmt: skip
    tests = [
        f"  list(values = c({', '.join(map(_r_number, one.values.values()))}), log_odds = {_r_number(one.log_odds)}, "
        f"probability = {_r_number(one.probability)})"
        for one in _tests(signature)
    ]
    parts = {name: ", ".join(map(_r_number, values)) or "numeric(0)" for name, values in columns.items()}
    names = ", ".join(_quoted(term.name) for term in terms) or "character(0)"
    return _filled(_R, signature, _r_number, {**parts, "NAMES": names, "TESTS": ",\n".join(tests)})


def _tests(signature: Signature) -> Sequence[VectorResult]:
    if signature.vector is None:
        raise RefusedError(
            f"the signature of the model '{signature.model}' has no test vector, by which a script could check itself: "
            "an earlier version of radstudy wrote it. To do: run the study's step 'evaluate' again"
        )
    return [signature.vector.vector, *([signature.vector.measured] if signature.vector.measured else [])]


def _filled(
    template: str, signature: Signature, number: Callable[[float | None], str], parts: dict[str, str]
) -> str:  # fmt: skip
    """Fill a template; no text of the study can leave its comment or its quotes."""
    outcome = signature.outcome
    about = [
        f"{signature.study}: model '{signature.model}'. {USE}", *([signature.notice] if signature.notice else []),
        f"Probability of {outcome['label']} = {outcome['positive']}; signature.json with the hash "
        f"{document_of(signature)[HASH]}.",
    ]  # fmt: skip
    columns = [term.name for term in signature.form.terms] or ["(none: the model is its intercept)"]
    parts |= {
        "HEAD": "\n# ".join(map(_one_line, about)), "COLUMNS": "\n# ".join(f"  {_one_line(name)}" for name in columns),
        "INTERCEPT": number(signature.form.intercept),
        "CUTOFF": number(signature.cutoff if np.isfinite(signature.cutoff) else None),
    }  # fmt: skip
    text = template
    for name, value in parts.items():
        before, _, after = text.partition(f"@{name}@")
        text = before + value + after
    return text


def _one_line(text: object) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def _quoted(text: str) -> str:
    """Return a text in quotes that both languages read alike."""
    return json.dumps(text, ensure_ascii=True)


def _r_number(value: float | None) -> str:
    return "NA_real_" if value is None else repr(float(value))
