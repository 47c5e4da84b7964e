"""Part of step 6, evaluate, and the command `check`: what the leak detector finds in a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.cohort.case_files import Case
from radstudy.cohort.feature_table import read_feature_table
from radstudy.cohort.manifest import read_cohort
from radstudy.cohort.rows import ROW, words_of
from radstudy.cohort.spreadsheet import read_table
from radstudy.modelling.leaks import COLUMNS, Finding, Inspected, find_leaks, volume_of
from radstudy.modelling.models import candidates, sequences_of
from radstudy.protocol import Protocol
from radstudy.protocol.sections import Cohort
from radstudy.steps.cohort import read_cases, read_rows
from radstudy.steps.model import read_predictions
from radstudy.steps.run import Run
from radstudy.store import file_hash, write_csv
from radstudy.table import FeatureTable

STEP = "evaluate/leaks"
FEATURES = Path("extract", "features.parquet")


def do_leaks(run: Run) -> None:
    """Inspect the finished study and write what was found, ``leaks.csv`` (see `radstudy.modelling.leaks.COLUMNS`)."""
    inputs = {"model": run.key_of("model"), "table": file_hash(run.data / run.protocol.cohort.table)}
    with run.step(STEP, settings={}, inputs=inputs) as due:
        if due:
            found = find_leaks(_of_run(run))
            write_csv(run.path(STEP, "leaks.csv"), frame_of(found))
            for finding in found:
                if finding.severity != "note":
                    run.say(str(finding))


def check_study(protocol: Protocol, *, data: Path, out: Path) -> tuple[list[Finding], list[str]]:
    """Inspect a study before its models are made.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    out : folder of its results; features that were extracted there already are inspected, too.

    Returns
    -------
    found : errors first.
    seen : what was looked at, for people.

    Raises
    ------
    CohortError : the cohort's table has problems to settle first.
    """
    cohort = read_cohort(protocol, data)
    features = _features(protocol, data, out)
    inspected = Inspected(
        rows=cohort.rows, features=features, files=_hashes(cohort.cases), acquisition=_acquisition(out),
        volumes=_volumes(protocol, features, out), **_of_protocol(protocol, data, cohort.rows.index),
    )  # fmt: skip
    seen = [f"{len(cohort.rows)} rows of {protocol.cohort.table}", f"{len(cohort.cases)} image files"]
    if features is None:
        seen.append("no features yet: run the step 'extract', then check again")
    else:
        seen.append(f"{features.frame.shape[0]} rows of {features.frame.shape[1]} features")
    return find_leaks(inspected), seen


def frame_of(found: Iterable[Finding]) -> pd.DataFrame:
    """The findings as a table."""
    return pd.DataFrame([vars(finding) for finding in found], columns=list(COLUMNS))


def _of_run(run: Run) -> Inspected:
    protocol = run.protocol
    rows, features = read_rows(run), _features(protocol, run.data, run.out)
    predictions = read_predictions(run).groupby("model")
    models = {str(name): part.set_index(list(ROW))["probability"] for name, part in predictions}
    return Inspected(
        rows=rows, features=features, files=_hashes(read_cases(run)), acquisition=_acquisition(run.out),
        volumes=_volumes(protocol, features, run.out), scores=models,
        of_model={name: sequences_of(protocol, name) for name in models},
        **_of_protocol(protocol, run.data, rows.index),
    )  # fmt: skip


def _of_protocol(protocol: Protocol, data: Path, index: pd.Index) -> dict[str, Any]:
    section, outcome = protocol.cohort, protocol.cohort.outcome
    return {
        "candidates": candidates(protocol),
        "outcome_words": [outcome.column, outcome.label or "", *(outcome.labels or ())],
        "others": _others(section, data, index),
        "given": protocol.features is not None,
        "reader": protocol.reader,
        "sequences": protocol.sequences,
    }


def _others(section: Cohort, data: Path, index: pd.Index) -> pd.DataFrame:
    """The columns of the cohort's table that the study file gives no role."""
    table, _ = read_table(data / section.table, section.sheet, words_of(section))
    lesion = table[section.lesion].fillna("1") if section.lesion else "1"
    table = table.assign(**{"": lesion}).set_index([section.patient, ""], drop=False)
    roles = {
        "", section.patient, section.lesion, section.side, section.outcome.column, section.exclude, section.visible,
        section.split.column, *(variable.column or name for name, variable in section.clinical.items()),
    }  # fmt: skip
    kept = table[[name for name in table.columns if name not in roles]]
    kept.index.names = list(ROW)
    return kept[~kept.index.duplicated()].reindex(index)


def _features(protocol: Protocol, data: Path, out: Path) -> FeatureTable | None:
    if protocol.features is not None:
        return read_feature_table(protocol, data).table
    return FeatureTable.read(out / FEATURES) if (out / FEATURES).exists() else None


def _hashes(cases: Iterable[Case]) -> dict[tuple[str, str, str], str]:
    """Hashes of the image files that have a file of their own size beside them; the others are alone."""
    files = {(case.patient, case.lesion, case.sequence): case.image for case in cases if case.image.is_file()}
    sizes = {path: path.stat().st_size for path in set(files.values())}
    common = {size for size, count in Counter(sizes.values()).items() if count > 1}
    known = {path: file_hash(path) for path, size in sizes.items() if size in common}
    return {place: known[path] for place, path in files.items() if path in known}


def _acquisition(out: Path) -> dict[str, pd.Series]:
    """Matrix and voxel size of every volume, once they have been read."""
    file = out / "prepare" / "volumes.csv"
    if not file.exists():
        return {}
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows = _rows_of(out)
    found = {}
    for sequence, part in frame.groupby("sequence", sort=False):
        for column, words in (("size", "the matrix"), ("spacing_mm", "the voxel size")):
            by_patient = part.drop_duplicates("patient").set_index("patient")[column]
            values = pd.Series(rows.get_level_values("patient").map(by_patient), index=rows).dropna()
            found[f"{words} of {sequence}"] = values
    return found


def _rows_of(out: Path) -> pd.MultiIndex:
    frame = pd.read_csv(out / "cohort" / "rows.csv", dtype=dict.fromkeys(ROW, str), keep_default_na=False)
    return pd.MultiIndex.from_frame(frame[list(ROW)])


def _volumes(protocol: Protocol, features: FeatureTable | None, out: Path) -> Mapping[str, pd.Series]:
    if features is None:
        return {}
    return lesion_volumes(protocol, features, out)


def lesion_volumes(protocol: Protocol, features: FeatureTable, out: Path) -> dict[str, pd.Series]:
    """Sequence to the volume of the training reader's lesions: a feature, or the voxels that `extract` has counted.

    Parameters
    ----------
    protocol : the study's protocol.
    features : of all readers.
    out : the run's folder.

    Returns
    -------
    (patient, lesion) to volume, in mm3 or in resampled voxels; a sequence without either is not in it.
    """
    found = {}
    counted = _counted(out, protocol.reader)
    for sequence in protocol.sequences:
        volume = volume_of(features.of(sequence, protocol.reader).dropna(axis=1, how="all"))
        if volume is None and sequence in counted:
            volume = counted[sequence]
        if volume is not None and len(volume):
            found[sequence] = volume.astype(float)
    return found


def _counted(out: Path, reader: str) -> dict[str, pd.Series]:
    file = out / "extract" / "lesions.csv"
    if not file.exists():
        return {}
    frame = pd.read_csv(file, dtype=dict.fromkeys((*ROW, "sequence", "reader"), str), keep_default_na=False)
    mine = frame[frame["reader"] == reader]
    return {str(name): part.set_index(list(ROW))["resampled_voxels"] for name, part in mine.groupby("sequence")}
