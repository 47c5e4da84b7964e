"""Part of step 6, evaluate, and the command `check`: look for leaks in a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.artefacts import agree, extract, prepare, require_known_schema
from radstudy.artefacts import cohort as cohort_files
from radstudy.artefacts.beside import CHECKED, LEAKS
from radstudy.cohort.case_files import Case
from radstudy.cohort.doubled import doubled_masks
from radstudy.cohort.feature_table import read_feature_table
from radstudy.cohort.manifest import Cohort, read_cohort
from radstudy.cohort.rows import ROW, words_of
from radstudy.cohort.sealed import without_testing_outcomes
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CaseError
from radstudy.features.of_study import settings_of_study
from radstudy.features.settings import ExtractionSettings
from radstudy.formats.reading import digests_of, files_of, hash_of
from radstudy.modelling.leaks import SEVERITIES, Inspected, LeakFinding, find_leaks, looked_for, volume_of
from radstudy.modelling.leaks.finding import listed
from radstudy.modelling.leaks.readers import CHECK as READERS
from radstudy.modelling.leaks.scaling import CHECK as SCALING
from radstudy.modelling.models import candidates, sequences_of
from radstudy.protocol import Protocol
from radstudy.protocol.sections import CohortSection
from radstudy.steps.cohort import read_cases, read_rows
from radstudy.steps.copied import copied_features, stops
from radstudy.steps.doubly_read import doubly_read
from radstudy.steps.history import is_sealed_in
from radstudy.steps.identities import Identities, read_identities
from radstudy.steps.model import read_predictions
from radstudy.steps.opening import Bar, OpenedStudy, open_files
from radstudy.steps.run import Run
from radstudy.store import file_hash
from radstudy.table import FeatureTable

STEP = "evaluate/leaks"
_HEADERS = (".hdr", ".hdr.gz", ".nhdr", ".mhd")


def do_leaks(run: Run) -> None:
    """Inspect the finished study; write the findings and the checks that were made.

    Writes ``leaks.csv`` (see `radstudy.artefacts.beside.LEAKS`), and ``checked.json``: ``looked_for``, the checks that
    could be made in this study, so that an empty list of findings is not taken for more than it is.
    """
    who = read_identities(run.protocol, run.data)
    table = run.data / run.protocol.cohort.table
    read = {table: file_hash(table)}
    inputs = {"model": run.key_of("model"), "table": run.hash_of(table)}
    inputs |= {f"identities {number}": file_hash(file) for number, file in enumerate(who.files)}
    with run.step(STEP, settings={}, inputs=inputs, tables=read) as due:
        if due:
            seen = _of_run(run, who)
            findings = _as_declared(run.protocol, _errors_first([*who.problems, *find_leaks(seen)]))
            LEAKS.write(run.out, [vars(finding) for finding in findings])
            CHECKED.write(run.out, {"looked_for": looked_for(seen)})
            for finding in findings:
                if finding.severity != "note":
                    run.say(str(finding))


def leak_errors(out: Path) -> list[str]:
    """The errors that the leak detector found in a finished run; none if it has not been run.

    Parameters
    ----------
    out : the run's folder.
    """
    if not LEAKS.file(out).exists():
        return []
    frame = LEAKS.read(out)
    return list(frame.loc[frame["severity"] == "error", "what"])


@dataclass(frozen=True)
class Checked:
    """The leak detector's findings in a study before its models are fitted.

    Parameters
    ----------
    findings : errors first.
    seen : the data that were inspected, as text.
    looked_for : the checks that were made, as text.
    """

    findings: list[LeakFinding]
    seen: list[str]
    looked_for: list[str]


def check_study(
    protocol: Protocol, *, data: Path, out: Path, jobs: int = 1, bar: Bar = lambda items, _total, _what: items
) -> Checked:
    """Inspect a study before its models are fitted.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    out : folder of its results; features already extracted into it are inspected, too.
    jobs, bar : processes for opening the masks, and where progress goes.

    Raises
    ------
    UsageError : the run's folder is of a newer version.
    CohortError : the cohort's table has problems to settle first.
    StudyFileError : the extraction's settings cannot be used.
    """
    require_known_schema(out)
    extraction = None if protocol.features is not None else settings_of_study(protocol.extract, data)
    cohort = read_cohort(protocol, data)
    if is_sealed_in(protocol, out):
        cohort = replace(cohort, rows=without_testing_outcomes(cohort.rows))
    features = _features(protocol, data, out)
    kept = cohort_files.OPENED.file(out)
    opened = open_files(protocol, cohort.cases, kept_in=kept if kept.exists() else None, jobs=jobs, bar=bar)
    before, who = _of_files(protocol, cohort, opened, extraction), read_identities(protocol, data)
    overlap = None if any(finding.check == READERS for finding in before) else _overlap(out)
    inspected = Inspected(
        rows=cohort.rows, features=features, files=opened.alike(), images=len(opened.images),
        compared=who.compared, same_person=who.same_person,
        acquisition=_acquisition(out), overlap=overlap, volumes=_volumes(protocol, features, out),
        **_of_protocol(protocol, data, cohort.rows.index),
    )  # fmt: skip
    seen = [f"{len(cohort.rows)} rows of {protocol.cohort.table}", f"{len(opened.images)} image files",
            f"{len(opened.masks)} masks", *(str(file) for file in who.files)]  # fmt: skip
    if features is None:
        seen.append("no features yet: run the step 'extract', then check again")
    else:
        seen.append(f"{features.frame.shape[0]} rows of {features.frame.shape[1]} features")
    findings = _as_declared(protocol, _errors_first([*who.problems, *before, *find_leaks(inspected)]))
    masks = [f"one mask under two readers, lesions or patients ({len(opened.masks)} masks)"] if opened.masks else []
    return Checked(findings, seen, [*masks, *looked_for(inspected)])


def _of_files(
    protocol: Protocol, cohort: Cohort, opened: OpenedStudy, extraction: ExtractionSettings | None
) -> list[LeakFinding]:
    """Findings about the masks and the second reader that the step cohort would refuse, and unusable files."""
    doubles = [*doubled_masks(opened.masks), *copied_features(protocol, cohort.features)]
    findings = [
        LeakFinding("error" if stops(protocol, double) else "warning", READERS if double.copied else "one mask twice",
                double.what, double.evidence, listed(double.where), double.remedy)
        for double in doubles
    ]  # fmt: skip
    reading = doubly_read(protocol, cohort, extraction)
    if reading.problem:
        what, _, remedy = reading.problem.partition(". To do: ")
        who = ", ".join(protocol.cohort.readers)
        findings.append(LeakFinding("error", "second reader", what, "files counted", who, remedy))
    if lost := [*cohort.failures, *opened.failures]:
        where = listed([failure.place for failure in lost])
        findings.append(LeakFinding("warning", "files", "cases cannot be used", f"{len(lost)} case(s)", where,
                             "run the step cohort: it reports what is wrong with each"))  # fmt: skip
    return findings


def _overlap(out: Path) -> pd.DataFrame | None:
    """The readers' overlap from the step agree; None before that step."""
    return agree.MASKS.read(out) if agree.MASKS.file(out).exists() else None


def _errors_first(findings: Iterable[LeakFinding]) -> list[LeakFinding]:
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _as_declared(protocol: Protocol, findings: list[LeakFinding]) -> list[LeakFinding]:
    """The findings; an error of a declared standardisation stays an error, and says that it is expected."""
    features = protocol.features
    if features is None or features.standardised is None:
        return findings
    remedy = (
        f"expected: the study file declares it (features.standardised: {features.standardised}). The testing AUC is "
        "not that of a new patient; validate the signature on the whole table of another hospital (radstudy validate)"
    )
    return [replace(finding, remedy=remedy) if finding.check == SCALING else finding for finding in findings]


def _of_run(run: Run, who: Identities) -> Inspected:
    protocol = run.protocol
    rows, features = read_rows(run), _features(protocol, run.data, run.out)
    predictions = read_predictions(run).dropna(subset="probability").groupby("model")
    models = {str(name): part.set_index(list(ROW))["probability"] for name, part in predictions}
    cases = read_cases(run)
    return Inspected(
        rows=rows, features=features, files=_hashes(cases), images=_images(cases), acquisition=_acquisition(run.out),
        compared=who.compared, same_person=who.same_person, overlap=_overlap(run.out),
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
        "copies_accepted": protocol.agree.accept_identical_masks,
        "sequences": protocol.sequences,
    }


def _others(section: CohortSection, data: Path, index: pd.Index) -> pd.DataFrame:
    """The columns of the cohort's table that have no role in the study file."""
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
    file = extract.FEATURES.file(out)
    return FeatureTable.read(file) if file.exists() else None


def _hashes(cases: Iterable[Case]) -> dict[tuple[str, str, str], str]:
    """Hashes of the image files of which another has the same size; the others are unique."""
    files = {(case.patient, case.lesion, case.sequence): case.image for case in cases if case.image.is_file()}
    sizes = {path: sum(part.stat().st_size for part in _of_voxels(_parts(path))) for path in set(files.values())}
    common = {size for size, count in Counter(sizes.values()).items() if count > 1}
    known = {path: hash_of(_of_voxels(digests_of(path))) for path, size in sizes.items() if size in common}
    return {place: known[path] for place, path in files.items() if path in known}


def _parts(image: Path) -> dict[Path, str]:
    """The existing files of an image, without their hashes."""
    try:
        return {part: "" for part in files_of(image) if part.is_file()}
    except CaseError:
        return {image: ""}


def _of_voxels(parts: Mapping[Path, str]) -> Mapping[Path, str]:
    """The files with the voxels of an image of several files: a copy's header has other file names in it."""
    return {part: digest for part, digest in parts.items() if not part.name.lower().endswith(_HEADERS)} or parts


def _images(cases: Iterable[Case]) -> int:
    """Count the image files that exist."""
    return len({case.image for case in cases if case.image.is_file()})


def _acquisition(out: Path) -> dict[str, pd.Series]:
    """Matrix and voxel size of every volume, once they have been read."""
    if not prepare.VOLUMES.file(out).exists():
        return {}
    frame = prepare.VOLUMES.read(out)
    rows = _rows_of(out)
    series = {}
    for sequence, part in frame.groupby("sequence", sort=False):
        for column, words in (("size", "the matrix"), ("spacing_mm", "the voxel size")):
            by_patient = part.drop_duplicates("patient").set_index("patient")[column]
            values = pd.Series(rows.get_level_values("patient").map(by_patient.to_dict()), index=rows).dropna()
            series[f"{words} of {sequence}"] = values
    return series


def _rows_of(out: Path) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(cohort_files.ROWS.read(out)[list(ROW)])


def _volumes(protocol: Protocol, features: FeatureTable | None, out: Path) -> Mapping[str, pd.Series]:
    if features is None:
        return {}
    return lesion_volumes(protocol, features, out)


def lesion_volumes(protocol: Protocol, features: FeatureTable, out: Path) -> dict[str, pd.Series]:
    """Sequence to the volume of the training reader's lesions: a feature, or the voxels that `extract` counted.

    Parameters
    ----------
    protocol : the study's protocol.
    features : of all readers.
    out : the run's folder.

    Returns
    -------
    (patient, lesion) to volume, in mm3 or in resampled voxels; a sequence without either is left out.
    """
    volumes = {}
    counted = _counted(out, protocol.reader)
    for sequence in protocol.sequences:
        volume = volume_of(features.of(sequence, protocol.reader).dropna(axis=1, how="all"))
        if volume is None and sequence in counted:
            volume = counted[sequence]
        if volume is not None and len(volume):
            volumes[sequence] = volume.astype(float)
    return volumes


def _counted(out: Path, reader: str) -> dict[str, pd.Series]:
    if not extract.LESIONS.file(out).exists():
        return {}
    frame = extract.LESIONS.read(out)
    mine = frame[frame["reader"] == reader]
    return {str(name): part.set_index(list(ROW))["resampled_voxels"] for name, part in mine.groupby("sequence")}
