"""Versions of the algorithms that compute a study's results.

Results stay valid until the version of their algorithm changes: a new release or an edited docstring never makes a
finished run due again. A change to what an algorithm computes from the same input (a number, a column, a reason) must
raise its version here. tests/e2e/test_algorithms.py compares the results of small inputs with recorded ones, and fails
if they have changed under an old version.
"""

from __future__ import annotations

VERSIONS = {
    "import": 1,  # DICOM to volumes and masks
    "derive": 1,  # parametric maps
    "cohort": 1,
    "prepare": 1,
    "extract": 1,
    "extract/maps": 2,  # 2: neighbourhoods stay in their plane with force2D
    "extract/shuffled": 1,
    "agree": 1,
    "model": 1,
    "refits": 1,  # models refitted on permuted, resampled or split rows
    "evaluate": 1,
    "evaluate/chance": 1,
    "evaluate/resampling": 1,
    "evaluate/baselines": 1,
    "evaluate/other_reader": 1,
    "evaluate/leaks": 1,
    "evaluate/harmonisation": 1,
    "validate": 1,
    "evaluate/signature": 1,
    "report": 1,
}
_USES = {  # what else an algorithm's own results contain; what it reads from a finished step comes with that step's key
    "extract": ("prepare",),
    "extract/maps": ("extract",),
    "extract/shuffled": ("extract",),
    "refits": ("model",),
    "evaluate/chance": ("refits",),
    "evaluate/resampling": ("refits",),
    "evaluate/baselines": ("refits",),
    "evaluate/harmonisation": ("refits",),
    "evaluate/signature": ("refits",),
}


def algorithm_key(name: str) -> str:
    """The versions of an algorithm and of those that it uses, such as "extract 1, prepare 1".

    Parameters
    ----------
    name : of the algorithm, as in `VERSIONS`; a step's is the step's name.

    Raises
    ------
    KeyError : there is no such algorithm.
    """
    return ", ".join(f"{one} {VERSIONS[one]}" for one in _with_used(name))


def algorithm_versions(name: str) -> dict[str, int]:
    """The version of an algorithm and those of the algorithms that it uses, by name.

    Parameters
    ----------
    name : as in `algorithm_key`.
    """
    return {one: VERSIONS[one] for one in _with_used(name)}


def _with_used(name: str) -> list[str]:
    return [name, *(inner for used in _USES.get(name, ()) for inner in _with_used(used))]
