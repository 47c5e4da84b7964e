"""Long series of independent jobs on local cores: kept by chunk, resumable, with results independent of the cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import UsageError
from radstudy.kept import keep_arrays, kept_arrays
from radstudy.parallel import finished
from radstudy.store import content_hash

Arrays = Mapping[str, NDArray[Any]]
Progress = Callable[[int, int, float], None]

CHUNK = 25
_KEY = "key"


@dataclass(frozen=True)
class Chunks:
    """Distribution, storage and progress of a long series of jobs; none of it changes a result.

    Parameters
    ----------
    jobs : number of processes, each limited to one thread.
    folder : where finished chunks are kept (NPZ, written atomically); a stopped run continues from there.
    key : plain content that the results depend on; chunks kept under another key are computed again.
    progress : called with (done, total, seconds left) after every chunk.
    size : jobs per chunk; None: the size given by the caller of `in_chunks`.
    """

    jobs: int = 1
    folder: Path | None = None
    key: object = None
    progress: Progress | None = None
    size: int | None = None


ONE_PROCESS = Chunks()


def in_chunks(
    work: Callable[[range], Arrays], total: int, chunks: Chunks = ONE_PROCESS, *, size: int | None = None
) -> dict[str, NDArray[Any]]:
    """Return the results of ``work`` for the numbers 0 to total - 1, concatenated in order.

    Parameters
    ----------
    work : converts the numbers of a chunk to arrays whose first axis is those numbers. The result for a number must
        depend on that number alone (its own seed), so that neither chunks nor cores matter. Picklable if jobs > 1.
    total : number of jobs.
    chunks : the number of processes, and where results are kept.
    size : jobs per chunk if `chunks` has none; None: `CHUNK`.

    Raises
    ------
    UsageError : the number of jobs or of processes is less than one.
    """
    folder, progress = chunks.folder, chunks.progress
    if total < 1 or chunks.jobs < 1:
        raise UsageError(f"{total} repeats on {chunks.jobs} processes: give at least one of each.")
    step = chunks.size or size or CHUNK
    parts = [range(low, min(low + step, total)) for low in range(0, total, step)]
    mark = content_hash(chunks.key)
    kept = {part.start: arrays for part in parts if (arrays := _read(folder, part, mark)) is not None}
    due = [part for part in parts if part.start not in kept]
    done, begin, fresh = sum(len(part) for part in parts if part.start in kept), time.monotonic(), 0
    if progress is not None and done:
        progress(done, total, float("nan") if due else 0.0)
    for index, arrays in finished(work, due, chunks.jobs, threads=1, named=_named):
        part = due[index]
        kept[part.start] = arrays
        if folder is not None:
            keep_arrays(_file(folder, part), {**arrays, _KEY: np.array(mark)})
        fresh += len(part)
        if progress is not None:
            progress(done + fresh, total, (time.monotonic() - begin) / fresh * (total - done - fresh))
    return {name: np.concatenate([kept[part.start][name] for part in parts]) for name in kept[0]}


def _named(chunk: range) -> str:
    return f"repeats {chunk.start + 1} to {chunk.stop}"


def _file(folder: Path, chunk: range) -> Path:
    return folder / f"{chunk.start:06d}-{chunk.stop - 1:06d}.npz"


def _read(folder: Path | None, chunk: range, mark: str) -> Arrays | None:
    if folder is None:
        return None
    arrays = kept_arrays(_file(folder, chunk))
    return arrays if arrays is not None and str(arrays.pop(_KEY, "")) == mark else None
