"""`radstudy demo`: generate the synthetic cohort, then run the reference protocol on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from radstudy.demo.cohort import make
from radstudy.kept import keep, kept
from radstudy.protocol import load_protocol
from radstudy.protocol.yaml_text import read_yaml_text
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
    """Generate and run the demo in `out`; return the number of lost cases (none, unless the disk is full).

    Parameters
    ----------
    out : folder; the cohort is written to out/data, the results next to it.
    patients : number of patients.
    seed : seed of the cohort and the study.
    null : permute the outcome within each set.
    jobs : number of processes; None uses all cores.
    say, bar : functions that report progress.
    """
    data = make_once(out / "data", patients=patients, seed=seed, null=null, jobs=jobs, say=say, bar=bar)
    study = data / "study.yaml"
    written = read_yaml_text(study)
    return run(load_protocol(study), data=data, out=out, written=written, jobs=jobs, say=say, bar=bar)


def make_once(
    data: Path,
    *,
    patients: int,
    seed: int,
    null: bool,
    jobs: int | None,
    say: Callable[[str], None],
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]],
) -> Path:
    """Generate the demo's cohort unless the folder has it already; return the folder.

    Parameters
    ----------
    data : folder of the cohort.
    patients, seed, null, jobs, say, bar : as of `run_demo`.
    """
    key = content_hash({"patients": patients, "seed": seed, "null": null})
    marker = data / ".made.json"
    if kept(marker, key) is None:
        say(f"Making a SYNTHETIC cohort of {patients} patients in {data}")
        marker.unlink(missing_ok=True)
        make(data, patients=patients, seed=seed, null=null, jobs=jobs, progress=bar)
        keep(marker, key, {})
    return data
