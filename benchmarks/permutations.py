"""Chance calibration of the reference study's eleven models, ours against scikit-learn pipelines refitted each time.

``python benchmarks/permutations.py --json F [--permutations 1000] [--reference-permutations 20] [--jobs 2] [--quick]``
makes a table of correlated noise of the paper's size (107 patients, four sequences, about 1,076 reproducible features
each, the preset's clinical variables), permutes the outcome within training and within testing, and refits every model:
all permutations with ours, the first few of them also with `modelling.models.build`, on one core, in turns with ours.
The ratio is of those turns, one core each. The results are compared, too: the subsets of features, and the AUCs if the
subset is the same. A pooled pipeline repeats the selection of its parts' pipelines; the ratio to the five models
that are not pooled shows the speed without that repetition.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set
import pandas as pd  # noqa: E402

from radstudy.cohort.codebook import design_columns  # noqa: E402
from radstudy.modelling.models import CLASSIFIER, build, candidates  # noqa: E402
from radstudy.modelling.refits.chance import calibrate, permuted  # noqa: E402
from radstudy.modelling.refits.chunks import Chunks  # noqa: E402
from radstudy.modelling.refits.engine import Engine, auc  # noqa: E402
from radstudy.protocol.load import parse_protocol  # noqa: E402

FEATURES = {"T2WI": 1076, "DWI": 1012, "DCE3": 1094, "DCE7": 1132}  # published numbers of reproducible features


def noise_table(seed: int, features: dict[str, int]) -> tuple[Any, pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Protocol, design table, outcome, training and testing rows: 107 patients, pure chance."""
    protocol = parse_protocol("preset: her2-ihc2plus\n")
    rng = np.random.default_rng(seed)
    patients = 107
    index = pd.MultiIndex.from_tuples([(f"p{i:03d}", "1") for i in range(patients)], names=["patient", "lesion"])
    parts = []
    for sequence, count in features.items():
        hidden = rng.normal(size=(patients, 60))
        loads = rng.normal(size=(60, count)) * (rng.random((60, count)) < 0.03)
        loads[rng.integers(0, 60, count), np.arange(count)] += 2
        values = hidden @ loads + 0.3 * rng.normal(size=(patients, count))
        values[:, ::2] = np.exp(0.5 * values[:, ::2])  # half of the features are skewed, as radiomics features are
        names = [f"{sequence}:f{number:04d}" for number in range(count)]
        parts.append(pd.DataFrame(values, index=index, columns=names))
    codebook = {name: protocol.cohort.clinical[name] for name in candidates(protocol)}
    coded = pd.DataFrame(index=index)
    for name, variable in codebook.items():
        if variable.levels is None:
            coded[name] = np.round(rng.normal(50, 10, patients), 1)
        else:
            coded[name] = pd.Categorical(rng.choice(list(variable.levels), patients), categories=variable.levels)
    design = pd.concat([*parts, design_columns(codebook, coded)], axis=1)
    outcome = np.zeros(patients, dtype=np.int64)
    rows = rng.permutation(patients)
    training, testing = np.sort(rows[:74]), np.sort(rows[74:])
    outcome[rng.choice(training, 29, replace=False)] = 1
    outcome[rng.choice(testing, 13, replace=False)] = 1
    return protocol, design, outcome, training, testing


def reference(
    protocol: Any, design: pd.DataFrame, outcome: np.ndarray, training: np.ndarray, testing: np.ndarray
) -> Any:
    """Fit every model by its scikit-learn pipeline: selected features, C, AUC in training and testing, seconds."""
    fits = {}
    inner = design.iloc[training]
    for name in protocol.model.models:
        start = time.perf_counter()
        pipeline = build(protocol, name)
        pipeline.fit(inner, outcome[training], **{f"{CLASSIFIER}__groups": training})
        features = tuple(str(item) for item in pipeline[:-1].get_feature_names_out())
        areas = [
            auc(pipeline.decision_function(design.iloc[rows]), outcome[rows]) for rows in (training, testing)
        ]  # fmt: skip
        fits[name] = (features, pipeline.named_steps[CLASSIFIER].C_, *areas, time.perf_counter() - start)
    return fits


def compare(ours: Any, theirs: Any) -> list[dict[str, Any]]:
    """Compare the models, one entry each: equality of subset and penalty, and difference of the AUCs."""
    entries = []
    for name, (features, strength, training, testing, _) in theirs.items():
        fit = ours[name]
        entries.append({
            "model": name,
            "same_subset": fit.features == features,
            "same_strength": bool(fit.strength == strength or (np.isnan(fit.strength) and np.isnan(strength))),
            "auc_apart": max(abs(fit.training_auc - training), abs(fit.testing_auc - testing)),
            "ours": list(fit.features),
            "reference": list(features),
        })  # fmt: skip
    return entries


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--reference-permutations", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few features, few permutations")
    options = parser.parse_args()
    features = FEATURES
    if options.quick:
        features, options.permutations, options.reference_permutations = dict.fromkeys(FEATURES, 80), 8, 2
    protocol, design, outcome, training, testing = noise_table(options.seed, features)
    engine = Engine(protocol, design, {name: np.ones(len(design), dtype=bool) for name in protocol.model.models})
    models = protocol.model.models
    start = time.perf_counter()
    engine.fit(outcome, training, testing)
    first_s = time.perf_counter() - start  # compiling or loading the kernels, and the work that no label changes
    ours_s, reference_s, own_s, pairs = [], [], [], []
    for number in range(options.reference_permutations):
        labels = permuted(outcome, engine.patients, (training, testing), seed=protocol.seed, number=number)
        start = time.perf_counter()
        ours = engine.fit(labels, training, testing)
        ours_s.append(time.perf_counter() - start)
        start = time.perf_counter()
        theirs = reference(protocol, design, labels, training, testing)
        reference_s.append(time.perf_counter() - start)
        own_s.append(sum(theirs[name][-1] for name in theirs if not (models[name].pool or models[name].add)))
        pairs += [{"permutation": number, **entry} for entry in compare(ours, theirs)]
    start = time.perf_counter()
    result = calibrate(
        engine, outcome, training, testing, permutations=options.permutations, chunks=Chunks(options.jobs)
    )
    whole_s = time.perf_counter() - start
    same = [pair for pair in pairs if pair["same_subset"]]
    report = {
        "benchmark": "permutations",
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "ours_s": ours_s,
        "reference_s": reference_s,
        "ratio": statistics.median(reference_s) / statistics.median(ours_s),
        "ratio_to_unpooled_models": statistics.median(own_s) / statistics.median(ours_s),
        "first_fit_s": first_s,
        "permutations": options.permutations,
        "jobs": options.jobs,
        "all_permutations_s": whole_s,
        "pairs": len(pairs),
        "same_subset_share": len(same) / max(len(pairs), 1),
        "same_strength_share": sum(pair["same_strength"] for pair in same) / max(len(same), 1),
        "largest_auc_apart": max((pair["auc_apart"] for pair in same), default=0.0),
        "other_subsets": [pair for pair in pairs if not pair["same_subset"]],
        "chance_medians": {
            name: {which: float(np.median(result.permuted[name][which])) for which in result.permuted[name]}
            for name in engine.models
        },
    }
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(
        f"a permutation of {len(engine.models)} models: ours {statistics.median(ours_s) * 1e3:.0f} ms, scikit-learn "
        f"{statistics.median(reference_s) * 1e3:.0f} ms, {report['ratio']:.1f} x; {options.permutations} permutations "
        f"on {options.jobs} processes {whole_s:.0f} s\nsame subset in {len(same)} of {len(pairs)}, there AUCs at most "
        f"{report['largest_auc_apart']:.1e} apart"
    )
    for name, medians in report["chance_medians"].items():
        print(f"  {name:18s} " + ", ".join(f"{which} {value:.3f}" for which, value in medians.items()))


if __name__ == "__main__":
    main()
