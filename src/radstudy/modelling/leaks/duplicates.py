"""Check for a patient under two identifiers, perhaps in both sets, and for one image as two sequences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from radstudy.modelling.leaks.finding import Inspected, LeakFinding, listed, varying

CHECK = "one patient twice"
SEQUENCES = "one image twice"
NEAR = 0.25  # of the usual distance to the nearest other patient
FEWEST_FEATURES, FEWEST_ROWS = 10, 10
_CELLS = 1 << 22  # distances in memory at a time
_SIDE = re.compile(r"[-_ .]*(left|right|lt|rt|li|re|l|r)$")
_REMEDY = (
    "if these are one patient, give all rows the same identifier (cohort.patient; lesions have theirs in "
    "cohort.lesion): the split then keeps them together"
)

_NAMED = (
    "look both up in the import's table of pseudonyms. One person needs one PatientID: correct it in the PACS and "
    "import again, or leave one of them out of the cohort's table. Of two people, take the pair out of same_person in "
    "identities.json"
)


def find_duplicates(seen: Inspected) -> Iterator[LeakFinding]:
    """Find patients with the same name, image files, (nearly) the same features, or almost the same identifier.

    Parameters
    ----------
    seen : the study.
    """
    yield from _same_sequences(seen)
    named = "the same name and birth date under two PatientIDs"
    yield from _reported(seen, _same_persons(seen), named, "as the import has compared them", _NAMED)
    images = _same_images(seen)
    yield from _reported(seen, images, "the same image file under different patients", "identical bytes")
    features = _same_features(seen) - images
    yield from _reported(seen, features, "the same features under different patients", "identical feature rows")
    near = {pair: why for pair, why in _near_features(seen).items() if pair not in images | features}
    for pair, why in near.items():
        yield from _reported(seen, {pair}, "nearly the same features under two patients", why)
    yield from _same_names(seen)


Pair = tuple[str, str]


def _reported(
    seen: Inspected, pairs: set[Pair], what: str, evidence: str, remedy: str = _REMEDY
) -> Iterator[LeakFinding]:
    """Yield one finding for the pairs across both sets, one for those within a set."""
    both = sorted(pair for pair in pairs if not _sets_of(seen, pair[0]) & _sets_of(seen, pair[1]))
    for chosen, severity, where in ((both, "error", "one in training, one in testing"),
                                    (sorted(pairs - set(both)), "warning", "within one set")):  # fmt: skip
        if chosen:
            yield LeakFinding(
                "error" if severity == "error" else "warning", CHECK, f"{what}, {where}",
                f"{evidence}: {len(chosen)} pair(s)", listed([f"{a} = {b}" for a, b in chosen]), remedy,
            )  # fmt: skip


def _sets_of(seen: Inspected, patient: str) -> set[str]:
    rows = seen.rows
    return set(rows.loc[rows.index.get_level_values("patient") == patient, "set"])


def _pairs_within(groups: Iterable[Sequence[str]]) -> set[Pair]:
    return {(a, b) for group in groups for a, b in combinations(sorted(set(group)), 2)}


def _same_persons(seen: Inspected) -> set[Pair]:
    known = set(seen.rows.index.get_level_values("patient"))
    return {(min(pair), max(pair)) for pair in seen.same_person if set(pair) <= known}


def _same_images(seen: Inspected) -> set[Pair]:
    known = set(seen.rows.index.get_level_values("patient"))
    by_hash: dict[str, list[str]] = {}
    for (patient, _, _), mark in seen.files.items():
        if patient in known:
            by_hash.setdefault(mark, []).append(patient)
    return _pairs_within(by_hash.values())


def _same_sequences(seen: Inspected) -> Iterator[LeakFinding]:
    """Find sequences that are the same image: one adds nothing to the other, however their AUCs compare."""
    of_patient: dict[tuple[str, str], set[str]] = {}
    for (patient, _, sequence), mark in seen.files.items():
        of_patient.setdefault((patient, mark), set()).add(sequence)
    pairs: dict[Pair, list[str]] = {}
    for (patient, _), sequences in of_patient.items():
        for pair in combinations(sorted(sequences), 2):
            pairs.setdefault(pair, []).append(patient)
    for (one, other), patients in pairs.items():
        yield LeakFinding(
            "error", SEQUENCES, f"{one} and {other} are the same image", f"{len(patients)} patient(s)",
            listed(sorted(patients)), "correct cohort.images, or put the right files there; if one of them is missing, "
            "remove it from 'sequences' or name it in cohort.optional_sequences",
        )  # fmt: skip


def _same_features(seen: Inspected) -> set[Pair]:
    pairs: set[Pair] = set()
    for sequence in seen.sequences if seen.features is not None else ():
        frame = seen.table_of(sequence)
        frame = varying(frame)
        if frame.shape[1] < FEWEST_FEATURES:
            continue
        hashes = pd.util.hash_pandas_object(frame, index=False)
        groups = pd.Series(frame.index.get_level_values("patient"), index=hashes.to_numpy()).groupby(level=0)
        pairs |= _pairs_within(list(group) for _, group in groups)
    return pairs


def _near_features(seen: Inspected) -> dict[Pair, str]:
    """Find pairs of patients that are much closer than other patients, on every sequence that both have.

    The distance is the root mean square difference of the features' ranks, in SD of the ranks, over the features in
    which the two differ: a lesion with one grey level has the same textures as every other such lesion. For every row
    the nearest row of another patient is determined; a pair is near if its distance is below a quarter of the median of
    these. The same contours exported or read again fall below it, different patients stay above (figures in
    docs/leaks.md); another reader's contour mostly stays above as well, but the image's bytes reveal it.
    """
    near: dict[Pair, list[str]] = {}
    sequences_of: dict[str, set[str]] = {}
    for sequence in seen.sequences if seen.features is not None else ():
        frame = seen.table_of(sequence)
        values = _ranked(frame)
        if values.shape[1] < FEWEST_FEATURES or len(values) < FEWEST_ROWS:
            continue
        patients = frame.index.get_level_values("patient").to_numpy(dtype=object)
        for patient in patients:
            sequences_of.setdefault(str(patient), set()).add(sequence)
        everyone = np.arange(len(values))
        nearest = np.concatenate([part.min(axis=1) for _, part in _distances(values, patients, everyone)])
        usual = float(np.median(nearest))
        close = np.flatnonzero(nearest < NEAR * usual)  # both rows of a near pair are among these
        for i, j in _pairs_below(NEAR * usual, _distances(values, patients, close)):
            differs = values[i] != values[j]
            between = float(np.sqrt(np.mean((values[i] - values[j])[differs] ** 2))) if differs.any() else 0.0
            if between < NEAR * usual and differs.sum() >= FEWEST_FEATURES:
                a, b = sorted((str(patients[i]), str(patients[j])))
                why = f"on {sequence} {between:.3g} SD apart, while the nearest other patient is usually {usual:.2g}"
                near.setdefault((a, b), []).append(why)
    return {
        (a, b): "; ".join(why) for (a, b), why in near.items() if len(why) >= len(sequences_of[a] & sequences_of[b])
    }


def _ranked(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the ranks of the features that vary, divided by their SD."""
    values = np.asarray(frame.to_numpy(), dtype=np.float64)
    values = values[:, np.isfinite(values).all(axis=0)]
    if not values.size:
        return values
    ranks: NDArray[np.float64] = stats.rankdata(values, axis=0)
    spread = ranks.std(axis=0)
    scaled: NDArray[np.float64] = ranks[:, spread > 0] / spread[spread > 0]
    return scaled


def _distances(
    values: NDArray[np.float64], patients: NDArray[np.object_], rows: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Yield rows, a few at a time, with their distances to all rows; those of the same patient are infinitely far.

    All distances at once would be 80 GB for 100,000 lesions.
    """
    squares = (values**2).mean(axis=1)
    step = max(_CELLS // len(values), 1)
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        distance = squares[some, None] + squares[None, :] - 2 * values[some] @ values.T / values.shape[1]
        np.sqrt(np.clip(distance, 0, None, out=distance), out=distance)
        distance[patients[some, None] == patients[None, :]] = np.inf
        yield some, distance


def _pairs_below(
    limit: float, distances: Iterable[tuple[NDArray[np.intp], NDArray[np.float64]]]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows closer than the limit, the lower row first."""
    for some, distance in distances:
        for at, j in zip(*np.nonzero(distance < limit), strict=True):
            if some[at] < j:
                yield int(some[at]), int(j)


def _same_names(seen: Inspected) -> Iterator[LeakFinding]:
    patients = sorted(set(map(str, seen.rows.index.get_level_values("patient"))))
    plain = _grouped(patients, _without_signs)
    sided = [group for group in _grouped(patients, _without_side)
             if sum(_SIDE.search(name.lower()) is not None for name in group) >= len(group) - 1]  # fmt: skip
    for groups, how in ((plain, "differ only by punctuation, case or leading zeros"), (sided, "differ only by side")):
        across = [group for group in groups if len(set().union(*(_sets_of(seen, name) for name in group))) > 1]
        if across:
            yield LeakFinding(
                "warning", CHECK, f"identifiers in both sets that {how}", f"{len(across)} group(s)",
                listed([" = ".join(group) for group in across]), _REMEDY,
            )  # fmt: skip


def _grouped(names: Sequence[str], key: Callable[[str], str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _without_signs(name: str) -> str:
    """Return the identifier in lower case, without punctuation and leading zeros.

    Examples
    --------
    >>> _without_signs("SYN-007"), _without_signs("syn 7")
    ('syn-7', 'syn-7')
    """
    parts = re.findall(r"[^\W\d_]+|\d+", name.lower())
    return "-".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _without_side(name: str) -> str:
    stem = _SIDE.sub("", name.lower())
    return stem if any(sign.isdigit() for sign in stem) else name.lower()
