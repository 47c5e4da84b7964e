"""How often a signature refuses a patient of the population that it was trained on: synthetic cohorts, many seeds.

    python benchmarks/false_refusals.py --seeds 20 --patients 24 --work FOLDER --json F.json

Each seed is a cohort of `radstudy demo` up to its step `model` (one reader). Every model then meets every testing
patient: images and masks are read and compared as `radstudy predict` does, the features are those that the run has
extracted, and the verdict is counted. Finished seeds in FOLDER are not done again.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import pandas as pd

from radstudy.demo.cohort import make
from radstudy.protocol.load import load_protocol
from radstudy.signature.applicability import (
    UnlikeTraining,
    check_images,
    check_joint,
    check_terms,
)  # fmt: skip
from radstudy.signature.document import Signature, read_signature
from radstudy.signature.patient import Given, read_sequences
from radstudy.steps.design import Design, read_design
from radstudy.steps.run import Run
from radstudy.study import run


def finished_run(folder: Path, patients: int, seed: int) -> Run:
    """Make one cohort and run its study up to the step `model`."""
    data = folder / "data"
    if not (data / "study.yaml").exists():
        make(data, patients=patients, seed=seed, null=False, jobs=1)
    text = (data / "study.yaml").read_text(encoding="utf-8")
    study = data / "one_reader.yaml"
    study.write_text(text.replace("readers: [reader1, reader2]", "readers: [reader1]"), encoding="utf-8")
    protocol = load_protocol(study)
    run(protocol, data=data, out=folder / "run", until="model", jobs=1)
    return Run(protocol, data, folder / "run", 1, lambda _: None, lambda items, _total, _what: items)


def findings_of(signature: Signature, state: Run, design: Design, row: tuple[str, str]) -> list[UnlikeTraining]:
    """All findings on one patient of the study."""
    patient = row[0]
    images = {name: state.data / "images" / patient / f"{name}.nii.gz" for name in signature.sequences}
    masks = {name: state.data / "masks" / patient / f"{name}_reader1.nii.gz" for name in signature.sequences}
    sequences = read_sequences(signature, Given(images, masks, {}, None, {}))
    seen = {name: sequence.seen for name, sequence in sequences.items()}
    values = design.table.loc[row].astype(float).to_dict()
    terms = signature.form.terms
    used = {
        term.name: term.imputation if pd.isna(values[term.name]) and term.imputation is not None else values[term.name]
        for term in terms
    }
    joint = signature.distribution.joint if signature.distribution is not None else None
    known = check_terms(terms, values, signature.distribution)
    return [*check_images(seen, signature.distribution), *known, *check_joint(joint, used)]


def main() -> None:
    """Print the share of predictions that are refused, by seed and in all."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=20)
    asked.add_argument("--patients", type=int, default=24)
    asked.add_argument("--work", type=Path, required=True)
    asked.add_argument("--json", type=Path)
    given = asked.parse_args()
    rows = []
    kinds: Counter[str] = Counter()
    for seed in range(1, given.seeds + 1):
        state = finished_run(given.work / f"seed{seed}", given.patients, seed)
        design = read_design(state)
        testing = design.rows.index[design.rows["set"] == "testing"]
        for file in sorted((state.out / "model" / "signatures").glob("*.json")):
            signature = read_signature(file)
            for row in testing:
                reasons = [one for one in findings_of(signature, state, design, row) if one.refuses]
                kinds.update({one.kind for one in reasons})
                rows.append({"seed": seed, "model": signature.model, "own": signature.model ==
                             state.protocol.signature_model, "refused": bool(reasons)})  # fmt: skip
        frame = pd.DataFrame(rows)
        own = frame[frame["own"]]
        print(
            f"{seed} seeds: {frame['refused'].sum()} of {len(frame)} predictions refused "
            f"({100 * frame['refused'].mean():.2f} %); the study's own model {own['refused'].sum()} of {len(own)} "
            f"({100 * own['refused'].mean():.2f} %); reasons {dict(kinds)}",
            flush=True,
        )
        if given.json is not None:
            given.json.write_text(json.dumps({"patients": given.patients, "seeds": seed, "predictions": len(frame),
                                              "refused": int(frame["refused"].sum()), "own": len(own),
                                              "own_refused": int(own["refused"].sum()), "reasons": dict(kinds)}),
                                  encoding="utf-8")  # fmt: skip


if __name__ == "__main__":
    main()
