"""`radstudy demo`: make the synthetic cohort, then run the reference protocol on it as on any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from radstudy.demo.cohort import make
from radstudy.kept import keep, kept
from radstudy.protocol import load_protocol
from radstudy.store import content_hash
from radstudy.study import run


def run_demo(
    out: Path,
    *,
    patients: int,
    seed: int,
    null: bool,
    jobs: int | None,
    say: Callable[[str], None],
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]],
) -> int:
    """Make and run the demo in `out`; returns the number of cases that were lost (none, unless the disk is full).

    Parameters
    ----------
    out : folder; the cohort goes to out/data, the results beside it.
    patients : how many.
    seed : of the cohort and the study.
    null : permute the outcome within each set.
    jobs : processes; None takes all cores.
    say, bar : where progress goes.
    """
    data = out / "data"
    made = content_hash({"patients": patients, "seed": seed, "null": null})
    marker = data / ".made.json"
    if kept(marker, made) is None:
        say(f"Making a SYNTHETIC cohort of {patients} patients in {data}")
        marker.unlink(missing_ok=True)
        make(data, patients=patients, seed=seed, null=null, jobs=jobs, progress=bar)
        keep(marker, made, {})
    return run(load_protocol(data / "study.yaml"), data=data, out=out, jobs=jobs, say=say, bar=bar)
