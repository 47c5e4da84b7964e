"""READ FIRST: a whole study, one step per line.

Each step reads the files of earlier steps and writes its own folder; a step that is done is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from radstudy._version import __version__
from radstudy.artefacts import require_known_schema, write_schema
from radstudy.bugs import LOG, hiding, logged_in
from radstudy.cohort.identifiers import identifiers_of
from radstudy.errors import UsageError
from radstudy.journal import JOURNAL, journal_in, record
from radstudy.parallel import cores
from radstudy.protocol import STEPS, Protocol
from radstudy.steps.agree import do_agree
from radstudy.steps.cohort import do_cohort, lost_of
from radstudy.steps.evaluate import do_evaluate
from radstudy.steps.extract import do_extract, while_in_memory
from radstudy.steps.history import note_declaration
from radstudy.steps.model import do_model
from radstudy.steps.prepare import do_prepare
from radstudy.steps.report import do_report, require_outline
from radstudy.steps.run import Run, read_failures
from radstudy.steps.sealing import require_seal
from radstudy.steps.shard import Shard, do_shard
from radstudy.working import one_shard, only_run


def _prepare(run: Run) -> None:
    """Prepare; if features are wanted, too, extract those of each volume while it is in memory."""
    wanted = STEPS.index(run.until) >= STEPS.index("extract")
    do_prepare(run, then=while_in_memory(run) if wanted else None)


_DO: dict[str, Callable[[Run], None]] = {
    "cohort": do_cohort,  #     table, exclusions, split, files             -> cohort/
    "prepare": _prepare,  #     geometry checks, bias field, intensity      -> prepare/
    "extract": do_extract,  #   a lesion becomes 1,218 numbers              -> extract/
    "agree": do_agree,  #       ICC between readers                         -> agree/
    "model": do_model,  #       selection and models, on training rows      -> model/, signature.json
    "evaluate": do_evaluate,  # Tables 1-3, ROC curves, DeLong              -> evaluate/
    "report": do_report,  #     everything on one page                      -> report/, report.html
}


def _begun(state: Run) -> Run:
    """The run with its seal, after the folder has its version and the declared comparison."""
    write_schema(state.out)
    sealed = require_seal(state.protocol, state.out, state.say)
    note_declaration(state.protocol, state.out, state.say)
    return replace(state, sealed=sealed)


def run_shard(
    protocol: Protocol,
    *,
    data: Path,
    out: Path,
    shard: Shard,
    jobs: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]] = lambda items, _total, _what: items,
) -> int:
    """Do one part of a study's work on images, beside others in the same folder; `run` collects.

    Parameters
    ----------
    protocol, data, out, jobs, say, bar : as for `run`.
    shard : the part.

    Returns
    -------
    The number of its cases that were lost.

    Raises
    ------
    RadstudyError : the study cannot go on; the message gives the reason and the remedy.
    """
    if protocol.features is not None:
        raise UsageError("the study begins at a feature table: there is no work on images to share out")
    require_known_schema(out)
    with one_shard(out, str(shard)), hiding(identifiers_of(protocol, data, out)), logged_in(out / LOG, say=say):
        with only_run(out, beside_shards=True):
            state = _begun(Run(protocol, data, out, jobs or cores(), say, bar, "extract"))
            state.extraction  # noqa: B018  # its problems are reported before any work
            do_cohort(state)
        return do_shard(state, shard, while_in_memory(state))


def _journaled(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say a line, and note it in the run's journal."""

    def both(line: str) -> None:
        record("said", text=line)
        say(line)

    return both


def run(
    protocol: Protocol,
    *,
    data: Path,
    out: Path,
    until: str = STEPS[-1],
    written: str = "",
    jobs: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]] = lambda items, _total, _what: items,
) -> int:
    """Run a study, from its first step up to and including `until`.

    Parameters
    ----------
    protocol : the study file, as `radstudy.protocol.load_protocol` reads it.
    data : folder that relative paths in the study file start from.
    out : folder of the results; a run that was stopped continues from the finished parts.
    until : the last step to run: cohort, prepare, extract, agree, model, evaluate or report.
    written : text of the study file, which the bundle keeps; "" if there is none.
    jobs : processes for the work on images; None uses all cores.
    say, bar : where progress goes.

    Returns
    -------
    The number of cases that were lost; the report lists them.

    Raises
    ------
    RadstudyError : the study cannot go on; the message gives the reason and the remedy.
    """
    if until not in STEPS:
        raise UsageError(f"there is no step '{until}'; the steps are {', '.join(STEPS)}")
    require_known_schema(out)
    require_outline(protocol)
    with (
        only_run(out), journal_in(out / JOURNAL), hiding(identifiers_of(protocol, data, out)),
        logged_in(out / LOG, say=(say := _journaled(say))),
    ):  # fmt: skip
        record("began", version=__version__, until=until, jobs=jobs or cores())
        state = _begun(Run(protocol, data, out, jobs or cores(), say, bar, until, written=written))
        if state.sealed:
            say("the testing results are sealed: nothing is computed from testing outcomes until 'radstudy unseal'")
        if protocol.features is None:
            state.extraction  # noqa: B018  # its problems are reported before any work
        for step in STEPS[: STEPS.index(until) + 1]:
            _DO[step](state)
        record("ended")
    if until == "cohort":
        return lost_of(out)
    return sum(len(read_failures(file)) for file in sorted(out.glob("*/failures.csv")))
