"""The checks of the first page: each with its threshold, its state from files of the run, and where its evidence is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from radstudy.bugs import LOG, note
from radstudy.imaging.preparation import SENSITIVE
from radstudy.modelling.leaks.volume import FOLLOWS
from radstudy.protocol.prepare.n4 import N4
from radstudy.report.analysed import in_no_model, most_unused
from radstudy.report.cited import applied, counted, entries, integer, tally
from radstudy.report.display import number, percent, plural, significant, thousands
from radstudy.report.facts import TESTING, AbsentError, RunFacts
from radstudy.report.text.evidence import agreement

State = Literal["fine", "look", "problem", "not done"]

LEAKS, CHECKED = "evaluate/leaks/leaks.csv", "evaluate/leaks/checked.json"
BESIDE_VOLUME = "evaluate/baselines/beside_volume.csv"
REGRESSIONS, VOLUMES = "evaluate/regression_models.csv", "prepare/volumes.csv"
EVENTS, FEWEST_EVENTS = 10, 1  # per candidate; Peduzzi et al., J Clin Epidemiol 1996;49:1373
KEPT = 0.5  # share of features that the second reader reproduces
LOST, MOST_LOST = 0.05, 0.20  # of the included patients; Sackett's 5 and 20 rule
MOST_SENSITIVE = 0.10  # share of volumes


@dataclass(frozen=True)
class ReportCheck:
    """One check of the first page.

    Parameters
    ----------
    name : what is checked.
    state : fine, look, problem or not done.
    value : what the run's files say.
    threshold : the bounds between the states, in words.
    evidence : kind and name of the part of the report that has the evidence.
    """

    name: str
    state: State
    value: str
    threshold: str
    evidence: tuple[str, str]

    @property
    def anchor(self) -> str:
        """The identifier of its evidence in the page."""
        return "-".join(self.evidence)


def checks(facts: RunFacts) -> list[ReportCheck]:
    """All checks, in the order of the page."""
    return [_checked(facts, *one) for one in _CHECKS]


def _checked(facts: RunFacts, name: str, threshold: str, evidence: tuple[str, str], judge: Judge) -> ReportCheck:
    try:
        state, value = judge(facts)
    except AbsentError as missing:
        state, value = "not done", str(missing)
    except Exception as error:  # a damaged file: the other checks must still be there
        bug = note(error, f"report: check {name}")
        state, value = "not done", f"The files of the run cannot be understood ({bug.said}; see {LOG})."
    return ReportCheck(name, state, value, threshold, evidence)


def _leaks(facts: RunFacts) -> tuple[State, str]:
    errors, warnings = (tally(facts.frame(LEAKS), severity=severity) for severity in ("error", "warning"))
    if errors or warnings:
        return "problem" if errors else "look", f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
    looked = entries((facts.documents.get(CHECKED) or {}).get("looked_for", ()))
    return "fine", f"no finding in {plural(looked, 'kind')} of leak"


def follows_volume(facts: RunFacts) -> bool:
    """True if the check of the volume finds that some model follows it, or is no better."""
    try:
        return _volume(facts)[0] != "fine"
    except AbsentError:
        return False


def _volume(facts: RunFacts) -> tuple[State, str]:
    if facts.protocol.evaluate.baselines is None or not facts.protocol.evaluate.baselines.volume:
        raise AbsentError("The study file has switched the volume-only baseline off.")
    frame = facts.frame(BESIDE_VOLUME)
    frame = frame[(frame["set"] == TESTING) & frame["auc"].notna() & frame["volume_auc"].notna()]
    if facts.primary is not None:
        frame = frame[frame["model"] == facts.primary_model]
    if not len(frame):
        raise AbsentError("No such model could be compared with a volume.")
    follows = frame["rho"].abs() >= FOLLOWS
    beaten = frame["volume_auc"] >= frame["auc"]
    state: State = "problem" if (follows & beaten).any() else "look" if (follows | beaten).any() else "fine"
    if len(frame) == 1:
        row = frame.iloc[0]
        return state, (
            f"{row['model']}: rho {number(row['rho'], 2)}; AUC {number(row['auc'])}, volume alone "
            f"{number(row['volume_auc'])}"
        )
    followed = applied("far", int(follows.sum()), frame["rho"], FOLLOWS)
    equalled = applied("pairs", int(beaten.sum()), frame["auc"], frame["volume_auc"])
    return state, (
        f"of {plural(counted(frame, 'model'), 'model')}, {followed or 'none'} with probabilities that follow the "
        f"volume's (rho), {equalled or 'none'} with an AUC no better than the volume's"
    )


def _events(facts: RunFacts) -> tuple[State, str]:
    frame = facts.frame(REGRESSIONS)
    if "events_per_candidate" not in frame:
        raise AbsentError("Candidates were not counted by the version that produced this run.")
    frame = frame[frame["events_per_candidate"].notna()]
    if facts.primary is not None:
        frame = frame[frame["model"] == facts.primary_model]
    if not len(frame):
        raise AbsentError("No such model has a regression.")
    low, high = frame["events_per_candidate"].min(), frame["events_per_candidate"].max()
    state: State = "fine" if low >= EVENTS else "problem" if low < FEWEST_EVENTS else "look"
    if len(frame) > 1:
        return state, f"{significant(low, 2)} to {significant(high, 2)} over {plural(counted(frame, 'model'), 'model')}"
    row = frame.iloc[0]
    return state, (
        f"{row['model']}: {significant(low, 2)} ({thousands(integer(row['events']))} events, "
        f"{plural(integer(row['candidates']), 'candidate')})"
    )


def _readers(facts: RunFacts) -> tuple[State, str]:
    agreed = agreement(facts)
    if agreed and len(facts.protocol.cohort.readers) < 2:
        raise AbsentError("There is one reader, so it was not tested.")
    if not agreed:
        facts.document("agree/summary.json")  # says why it is missing
    if agreed["note"]:
        raise AbsentError(str(agreed["note"]))
    kept, whole = (_total(agreed[name].values()) for name in ("kept", "of_sequence"))
    state: State = "fine" if whole and kept / whole >= KEPT else "look" if kept else "problem"
    return (
        state,
        f"{thousands(kept)} of {plural(whole, 'feature')} ({percent(kept, whole)}%) with ICC > {agreed['above']:g}",
    )


def _lost(facts: RunFacts) -> tuple[State, str]:
    included = integer(facts.document("cohort/flow.json")["kept"])
    lost, most = in_no_model(facts), most_unused(facts)
    share = lost / included if included else 1.0
    state: State = "fine" if share <= LOST else "look" if share <= MOST_LOST else "problem"
    text = f"{lost} of {plural(included, 'included patient')} ({percent(lost, included)}%) in no model"
    if not lost:
        text = f"each of the {plural(included, 'included patient')} is in at least one model"
    return state, f"{text}; up to {most} missing from one model" if most > lost else text


def _fields(facts: RunFacts) -> tuple[State, str]:
    frame = facts.frame(VOLUMES)
    if "field_shift" not in frame or not frame["field_shift"].notna().any():
        corrected = any(isinstance(step, N4) for step in facts.protocol.prepare)
        raise AbsentError(
            "The version that produced this run did not test it." if corrected else "No bias field was removed."
        )
    known = frame[frame["field_shift"].notna()]
    moved = applied("above", int((known["field_shift"] > SENSITIVE).sum()), known["field_shift"], SENSITIVE)
    tried = counted(known, "field_shift")
    state: State = "fine" if not moved else "look" if moved / tried <= MOST_SENSITIVE else "problem"
    return state, f"{moved} of {plural(tried, 'volume')} ({percent(moved, tried)}%)"


def _total(counts: Iterable[Any]) -> Any:
    first, *others = counts
    return sum(others, first)


Judge = Callable[[RunFacts], tuple[State, str]]
_CHECKS: tuple[tuple[str, str, tuple[str, str], Judge], ...] = (
    ("Leaks", "fine: no error, no warning; problem: an error", ("table", "leaks"), _leaks),
    (
        "Volume confounding",
        f"look: |rho| ≥ {FOLLOWS:g}, or AUC no better than the volume's; problem: both in one model",
        ("table", "beside_volume"),
        _volume,
    ),
    (
        "Events per candidate",
        f"fine: ≥ {EVENTS}; problem: < {FEWEST_EVENTS}",
        ("table", "regression_fit"),
        _events,
    ),
    (
        "Reader agreement",
        f"fine: ≥ {KEPT:.0%} of the features; problem: no feature kept",
        ("table", "icc"),
        _readers,
    ),
    (
        "Lost patients",
        f"included, but in no model: fine: ≤ {LOST:.0%}; problem: > {MOST_LOST:.0%}",
        ("table", "rows_per_model"),
        _lost,
    ),
    (
        "Sensitive bias fields",
        f"rounding moves them by > {SENSITIVE:.0%} in a lesion: fine: 0; problem: > {MOST_SENSITIVE:.0%}",
        ("table", "volumes"),
        _fields,
    ),
)
