"""The protocols under which testing results were seen, and what was changed after that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from radstudy.artefacts import HISTORY
from radstudy.protocol.leaves import leaves
from radstudy.report.cited import quoted
from radstudy.report.display import plural
from radstudy.report.facts import SEALED, RunFacts
from radstudy.report.outline import has_part, number_of
from radstudy.report.text.deviations import value_shown
from radstudy.report.text.sentence import Sentence

_NAMED = 4  # changes that the first page names
_SETS = ("training", "testing")


def day(time: str) -> str:
    """A time of the history as the report prints it."""
    return f"{quoted(time, time[:10])} {quoted(time, time[11:16])} UTC"


def history(facts: RunFacts) -> Mapping[str, Any]:
    """The run's history; empty if there is none."""
    return facts.documents.get(HISTORY.path) or {}


def opened_first(facts: RunFacts) -> tuple[str, str]:
    """The word for how the testing results were first opened, unsealed or predicted, and the time."""
    record = history(facts)
    unsealed = (record.get("unsealed") or {}).get("time")
    return ("unsealed", day(unsealed)) if unsealed else ("predicted", day(record["testing_first_predicted"]))


def seen(facts: RunFacts) -> list[Mapping[str, Any]]:
    """Every protocol, and every change of the data, under which testing results were shown, in order."""
    return list(history(facts).get("seen") or ())


def reference(facts: RunFacts) -> Mapping[str, Any] | None:
    """The protocol that later ones are compared with: that of unsealing, else that of the first results."""
    return history(facts).get("unsealed") or next(iter(seen(facts)), None)


def changes_since(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Settings that differ, with both values, and patients that were excluded, added or moved to another set.

    Parameters
    ----------
    before, after : entries of the history.
    """
    return [*_settings(before, after), *_patients(before, after)]


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = (dict(leaves(one["settings"])) for one in (before, after))
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield f"{name}: {value_shown(old.get(name))} → {value_shown(new.get(name))}"


def _patients(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = ({str(name): which for which in _SETS for name in one[which]} for one in (before, after))
    why: dict[str, str] = {}
    for row in after["excluded"]:
        why.setdefault(str(row["patient"]), str(row["reason"]))
    if gone := [name for name in old if name not in new]:
        yield f"excluded: {', '.join(name + (f' ({why[name]})' if why.get(name) else '') for name in gone)}"
    if added := [name for name in new if name not in old]:
        yield f"added: {', '.join(added)}"
    if moved := [f"{name} ({old[name]} → {new[name]})" for name in old if name in new and old[name] != new[name]]:
        yield f"in another set: {', '.join(moved)}"
    lesions = [{(str(row["patient"]), str(row["lesion"])) for row in one["excluded"]} for one in (before, after)]
    kept = sorted(f"{patient}, lesion {lesion}" for patient, lesion in lesions[0] ^ lesions[1]
                  if patient in old and patient in new)  # fmt: skip
    if kept:
        yield f"lesions excluded or added: {'; '.join(kept)}"


def changed(facts: RunFacts) -> list[str]:
    """Every change since the reference, of any protocol under which results were seen; each once."""
    first = reference(facts)
    if first is None:
        return []
    return list(dict.fromkeys(line for one in seen(facts) for line in changes_since(first, one)))


# --- sentences ---------------------------------------------------------------------------------------------------


def _unsealed(facts: RunFacts) -> str:
    record = history(facts)["unsealed"]
    return (
        f"They were sealed until {day(record['time'])}, and unsealed for {quoted(record['model'])} against "
        f"{quoted(record['against'])}."
    )


def _seen(facts: RunFacts) -> str:
    entries = seen(facts)
    times = plural(entries[-1]["protocols"], "protocol")
    text = f"Testing results were seen under {times}; the first on {day(entries[0]['time'])}"
    data = len({one["data"] for one in entries}) > 1
    return f"{text}{', and the data changed between' if data else ''}."


def _not_recorded(facts: RunFacts) -> str:
    version = history(facts)["seen_since_version"]
    first = day(history(facts)["testing_first_predicted"])
    return (
        f"Testing rows were first predicted on {first}; under which protocols they were seen was not recorded before "
        f"version {quoted(version)} of the program."
    )


def _flag(facts: RunFacts) -> str:
    lines = changed(facts)
    when = "THE TESTING RESULTS WERE UNSEALED" if history(facts).get("unsealed") else "TESTING RESULTS WERE FIRST SEEN"
    more = len(lines) > _NAMED and has_part("table", "testing_history")
    rest = f"; all of them in {number_of('table', 'testing_history')}" if more else ""
    named = lines[:_NAMED] if more else lines
    return (
        f"CHANGED AFTER {when}: {'; '.join(named)}{rest}. What was chosen with testing results known confirms nothing."
    )


def _sealed(facts: RunFacts) -> str:
    since = history(facts).get("sealed")
    return f"{SEALED} Sealed since {day(since)}." if since else SEALED


SEEN = (
    Sentence("testing_sealed", lambda facts: facts.sealed, _sealed),
    Sentence("testing_seen", lambda facts: bool(seen(facts)), _seen),
    Sentence("testing_unsealed", lambda facts: bool(history(facts).get("unsealed")), _unsealed),
    Sentence("testing_not_recorded", lambda facts: bool(history(facts).get("seen_since_version")), _not_recorded),
    Sentence("changed_after_testing", lambda facts: bool(changed(facts)), _flag),
)


def told(facts: RunFacts) -> list[list[str]]:
    """One row per protocol or data under which results were seen: time, number of the protocol, changes since the
    reference.
    """
    first = reference(facts)
    assert first is not None
    rows: list[list[str]] = []
    data = None
    for one in seen(facts):
        lines = changes_since(first, one)
        if data not in (None, one["data"]):
            lines.append("the data differ from those before")
        data = one["data"]
        number = next(same["protocols"] for same in seen(facts) if same["protocol"] == one["protocol"])
        rows.append([day(one["time"]), f"{number}", "; ".join(lines) or "none"])
    return rows
