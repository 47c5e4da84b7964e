"""Sealed testing results: their state, what would open them, and opening them.

A sealed run (``evaluate: {sealed: true}``) blanks the outcomes of the testing rows as soon as the cohort's table is
read and split (`radstudy.steps.cohort`), so that no later step can compute anything from them. `unseal` notes in the
run's history for which primary model and comparison, and under which protocol, the lead opened them; the next run
computes what was withheld.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.artefacts import HISTORY, require_known_schema
from radstudy.artefacts.cohort import FLOW
from radstudy.artefacts.model import MODELS
from radstudy.cohort.sealed import table_hash
from radstudy.errors import RefusedError, StudyFileError
from radstudy.protocol import Protocol
from radstudy.protocol.words import listed
from radstudy.provenance import PROVENANCE
from radstudy.steps import model
from radstudy.steps.history import history_of, now_utc, opened, protocol_and_patients, read_history
from radstudy.store import content_hash, read_json
from radstudy.working import only_run

_DECLARE = "evaluate: {primary: {model: MODEL, against: OTHER}}"


@dataclass(frozen=True)
class Opening:
    """The results that unsealing opens.

    Parameters
    ----------
    model, against : the declared primary model and the model that it is compared with.
    testing, positive : testing patients, and those of them with the outcome.
    training : training patients.
    excluded : excluded patients.
    models : fitted models, whose testing results are all opened.
    differing : settings that differ from the preset's; None if the study has no preset.
    """

    model: str
    against: str
    testing: int
    positive: int
    training: int
    excluded: int
    models: tuple[str, ...]
    differing: tuple[str, ...] | None

    def lines(self) -> list[str]:
        """The same in words, one line each."""
        settings = (
            "The study follows no preset."
            if self.differing is None
            else f"Settings that differ from the preset: {len(self.differing)}"
            + (f" ({', '.join(self.differing)})." if self.differing else ".")
        )
        return [
            f"Primary model: {self.model}",
            f"Compared with: {self.against}",
            f"Testing patients: {self.testing} ({self.positive} with the outcome); training patients {self.training}, "
            f"excluded {self.excluded}",
            f"Models whose testing results are opened: {len(self.models)} ({listed(self.models)})",
            settings,
        ]


@dataclass(frozen=True)
class Sealing:
    """The state of a study's testing results in a run's folder.

    Parameters
    ----------
    asked : True if the study file seals them (``evaluate.sealed``).
    sealed : True if they are sealed now.
    since : time of the first sealed run; "" if there was none.
    unsealed : time of unsealing; "" if they were not unsealed.
    reasons : why they cannot be unsealed now, each with what to do; empty if they can be, or are not sealed.
    opens : what unsealing opens; None as long as the primary model is not declared or the models are not fitted.
    history : the run's record (history.json): declarations, unsealing, and every protocol with seen results.
    """

    asked: bool
    sealed: bool
    since: str
    unsealed: str
    reasons: tuple[str, ...]
    opens: Opening | None
    history: Mapping[str, Any]

    @property
    def may_unseal(self) -> bool:
        """True if they are sealed, and nothing stands against unsealing."""
        return self.sealed and not self.reasons


def seal_state(protocol: Protocol, data: Path, out: Path) -> Sealing:
    """The state of the testing results: sealed or not, what unsealing needs, and what it opens. Nothing is written.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    out : the run's folder; it need not exist.
    """
    history = history_of(out)
    sealed = not opened(history) and (protocol.evaluate.sealed or history.get("sealed") is not None)
    reasons = tuple(_reasons(protocol, data, out)) if sealed else ()
    told = protocol.evaluate.primary is not None and MODELS.file(out).is_file() and FLOW.file(out).is_file()
    unsealed = history.get("unsealed") or {}
    return Sealing(
        protocol.evaluate.sealed, sealed, history.get("sealed") or "", unsealed.get("time") or "", reasons,
        _opening(protocol, out) if sealed and told else None, history,
    )  # fmt: skip


def require_seal(protocol: Protocol, out: Path, say: Callable[[str], None]) -> bool:
    """True if this run is sealed. A seal is not broken by removing the setting.

    Parameters
    ----------
    protocol : the study file.
    out : the run's folder.
    say : tells if the study file seals results that were already seen.

    Raises
    ------
    StudyFileError : the folder is sealed, and the study file no longer seals it.
    """
    history = history_of(out)
    if opened(history):
        if protocol.evaluate.sealed and not history.get("unsealed"):
            say(
                f"evaluate.sealed has no effect in this folder: testing rows were predicted here before "
                f"({history['testing_first_predicted']})"
            )
        return False
    if history.get("sealed") is not None and not protocol.evaluate.sealed:
        raise StudyFileError(
            f"the testing results in {out} have been sealed since {history['sealed']}; to remove evaluate.sealed does "
            "not open them. To do: write 'sealed: true' in the section 'evaluate' again, and give 'radstudy unseal'"
        )
    return protocol.evaluate.sealed


def unseal(protocol: Protocol, data: Path, out: Path, *, written: str = "") -> Sealing:
    """Open the testing results for the declared primary model and comparison; the next run computes and shows them.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    out : the run's folder.
    written : text of the study file, kept in the record.

    Returns
    -------
    The state after it.

    Raises
    ------
    RefusedError : they are not sealed, or cannot be unsealed yet; the message says why and what to do.
    UsageError : a run is working in the folder, or a newer version has written it.
    """
    if not out.is_dir():
        raise RefusedError(f"{out} has no run yet. To do: give 'radstudy run' first, or name its folder with --out")
    require_known_schema(out)
    with only_run(out):
        state = seal_state(protocol, data, out)
        refuse_unsealing(state)
        assert state.opens is not None
        record = {
            "time": now_utc(), "model": state.opens.model, "against": state.opens.against, "text": written,
            **protocol_and_patients(protocol, out),
        }  # fmt: skip
        HISTORY.write(out, read_history(out) | {"unsealed": record})
    return seal_state(protocol, data, out)


def refuse_unsealing(state: Sealing) -> None:
    """Refuse results that are not sealed, or that cannot be unsealed yet.

    Raises
    ------
    RefusedError : with every reason, and what to do.
    """
    if state.unsealed:
        raise RefusedError(f"the testing results were unsealed before, on {state.unsealed}. Next: radstudy run")
    if not state.sealed:
        first = state.history["testing_first_predicted"]
        why = f"testing rows were predicted on {first}" if first else "the study file does not seal them"
        raise RefusedError(f"the testing results are not sealed: {why} (evaluate.sealed). There is nothing to unseal")
    if state.reasons:
        raise RefusedError("\n".join(["the testing results cannot be unsealed:", *state.reasons]))


# --- reasons -----------------------------------------------------------------------------------------------------


def _reasons(protocol: Protocol, data: Path, out: Path) -> Iterator[str]:
    if not protocol.evaluate.sealed:
        yield ("the study file no longer seals them. To do: write 'sealed: true' in the section 'evaluate' again")
    primary = protocol.evaluate.primary
    if primary is None:
        models = listed(list(protocol.model.models))
        yield (
            f"no primary model is declared. To do: write {_DECLARE} into the study file, with two of its models "
            f"({models}), and give 'radstudy run' again"
        )
    if not (out / "model" / PROVENANCE).is_file():
        yield "the models have not been fitted. To do: give 'radstudy run' first"
        return
    if changed := list(_changed(protocol, data, out)):
        yield f"since the models were fitted, {listed(changed)} changed. To do: give 'radstudy run' again"
    if primary is not None:
        records = MODELS.read(out)
        for name in (primary.model, primary.against):
            if not (record := records.get(name, {})).get("fitted"):
                why = record.get("note") or "not fitted"
                yield f"the model '{name}' has no result ({why}). To do: declare another, or settle why it has none"


def _changed(protocol: Protocol, data: Path, out: Path) -> Iterator[str]:
    """The parts of study file and table that differ from those that the finished steps were made from."""
    for step, settings in (("cohort", protocol.cohort.model_dump(mode="json")), ("model", model.settings_of(protocol))):
        recorded = _record(out, step).get("settings") or {}
        known = recorded.get("cohort") if step == "cohort" else {key: recorded.get(key) for key in settings}
        if content_hash(known) != content_hash(settings):
            yield f"settings of the step '{step}'"
    if (_record(out, "cohort").get("inputs") or {}).get("table") != table_hash(protocol, data):
        yield f"{protocol.cohort.table}"


def _record(out: Path, step: str) -> dict[str, Any]:
    try:
        return dict(read_json(out / step / PROVENANCE))
    except (OSError, ValueError, TypeError):
        return {}


# --- what is opened ----------------------------------------------------------------------------------------------


def _opening(protocol: Protocol, out: Path) -> Opening:
    primary = protocol.evaluate.primary
    assert primary is not None
    flow, records = FLOW.read(out), MODELS.read(out)
    from radstudy.report.text.deviations import differing_settings  # slow to import, needed only here

    return Opening(
        primary.model, primary.against, flow["testing"]["patients"], flow["testing"]["positive"],
        flow["training"]["patients"], sum(one["patients"] for one in flow["excluded"]),
        tuple(name for name in protocol.model.models if records.get(name, {}).get("fitted")),
        differing_settings(protocol),
    )  # fmt: skip
