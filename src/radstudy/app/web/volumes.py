"""The images of a case as pages receive them: voxels in the file's own order, little-endian, and how they lie.

An image is read, and prepared, once; the last ones are kept in memory up to a stated size. What needs a fit, or native
code to read, is done in a process of its own (`radstudy.parallel`), so that strokes are not kept waiting and a damaged
file ends no server. The next case is read while the present one is drawn.
"""

from __future__ import annotations

import gzip
import queue
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from radstudy.app.web.needs import CaseImages, ImageFile, Json, UnknownError
from radstudy.app.web.preparations import RunRecords, Steps
from radstudy.bugs import note
from radstudy.errors import CaseError, is_expected
from radstudy.formats.raster import read_grid
from radstudy.imaging.volume import Volume
from radstudy.parallel import results
from radstudy.protocol.reading import family_of
from radstudy.space.grid import Grid

Kind = Literal["acquired", "prepared"]
KINDS: tuple[Kind, ...] = ("acquired", "prepared")
MOST_BYTES = 768 << 20
_SAMPLE = 65_536  # voxels of an image that its window is found from
_PERCENTILES = ((0.5, 99.5), (5.0, 98.0))  # of the presets where the study file names none: all, and more contrast
_NUMBER = re.compile(r"\d+\Z")  # of a phase
_PACKED = 1  # level of gzip: more costs more time than the network saves


@dataclass(frozen=True, eq=False)
class StoredImage:
    """One image, ready to be sent.

    Parameters
    ----------
    octets : voxels in Fortran order, little-endian.
    dtype : int16 or uint16 where these hold every voxel exactly, else float32.
    grid : how the voxels lie.
    sample : float32, finite voxels in ascending order, for windows.
    """

    octets: bytes
    dtype: str
    grid: Grid
    sample: NDArray[np.float32]

    @property
    def voxels(self) -> NDArray[Any]:
        """(I, J, K), without a copy."""
        return np.frombuffer(self.octets, np.dtype(self.dtype).newbyteorder("<")).reshape(self.grid.shape, order="F")

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.octets) + self.sample.nbytes


def stored_image(volume: Volume) -> StoredImage:
    """An image as it is sent.

    Parameters
    ----------
    volume : as read or prepared.
    """
    flat = volume.voxels.ravel(order="F")
    dtype = _narrowest(flat)
    with np.errstate(over="ignore"):  # a number beyond float32 is shown as infinite
        octets = flat.astype(np.dtype(dtype).newbyteorder("<"), copy=False).tobytes()
        taken = flat[:: -(-len(flat) // _SAMPLE)].astype(np.float32)
    return StoredImage(octets, dtype, replace(volume.grid, source=""), np.sort(taken[np.isfinite(taken)]))


def _narrowest(flat: NDArray[Any]) -> str:
    """The name of the smallest type that holds every voxel exactly; float32 where none does."""
    low, high = float(flat.min()), float(flat.max())
    for name in ("int16", "uint16"):
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return name if bool((flat == np.rint(flat)).all()) else "float32"
    return "float32"


def windows_of(samples: Sequence[NDArray[np.float32]]) -> list[list[float]]:
    """Window presets, lower and upper end, from the percentiles of one or more images together.

    Parameters
    ----------
    samples : voxels of each image; without any, or all alike, the window is one unit wide.
    """
    voxels = np.concatenate([*samples, np.zeros(0, np.float32)])
    if not len(voxels):
        return [[0.0, 1.0]]
    ends = [np.percentile(voxels, pair).astype(float).round(6).tolist() for pair in _PERCENTILES]
    return [[low, high if high > low else low + 1.0] for low, high in ends]


class ServedImages:
    """The images of a study's cases.

    Parameters
    ----------
    steps : how they are prepared.
    run : what the study's run has kept of that.
    first : the image that is shown first.
    windows : sequence, or family of phases, to presets; of the image that is shown first.
    most_bytes : of the images that are kept in memory.
    """

    def __init__(
        self,
        steps: Steps,
        run: RunRecords,
        *,
        first: Kind = "prepared",
        windows: Mapping[str, Sequence[Sequence[float]]] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._steps, self._run = steps, run
        self._windows = dict(windows or {})
        self.kinds: tuple[Kind, ...] = KINDS if steps.steps else ("acquired",)
        self.first: Kind = first if first in self.kinds else "acquired"
        self._kept = _Kept(most_bytes)
        self._process = threading.Lock()  # one image at a time in a process beside the server's
        self._due: queue.Queue[CaseImages | None] = queue.Queue()
        self._prefetching: threading.Thread | None = None

    @property
    def bytes_kept(self) -> int:
        """Bytes of the images in memory."""
        return self._kept.size

    def document(self, case: CaseImages) -> Sequence[Json]:
        """The ``sequences`` of a case document: how each lies, its types, phases and windows.

        ``phases`` are those on one grid, which can be played; a ``curve`` takes phases on any grid.
        """
        grids = _named_grids([read_grid(image.file) for image in case.images])
        described = []
        for image, (name, grid) in zip(case.images, grids, strict=True):
            if not image.of_study:
                continue
            stored = {kind: self.image(case, image.sequence, kind) for kind in self.kinds}
            windows = {kind: self._windows_of(case, image.sequence, kind) for kind in self.kinds}
            family = family_of(image.sequence)
            series = [
                (other.sequence, other_name)
                for other, (other_name, _) in zip(case.images, grids, strict=True)
                if family_of(other.sequence) == family
            ]
            phases = [sequence for sequence, other_name in series if other_name == name]
            described.append({
                "name": image.sequence, "shape": list(grid.shape), "affine": grid.affine.tolist(),
                "spacing_mm": grid.spacing_mm.tolist(), "grid": name, "unit": image.unit,
                "dtype": stored[self.first].dtype, "dtypes": {kind: one.dtype for kind, one in stored.items()},
                "images": [self.first, *(kind for kind in self.kinds if kind != self.first)],
                "phases": _in_order(phases) if len(phases) > 1 else [], "curve": len(series) > 1,
                "windows": windows[self.first], "windows_of": windows,
            })  # fmt: skip
        return described

    def image(self, case: CaseImages, sequence: str, kind: str) -> StoredImage:
        """One image of a case, read and prepared unless it is in memory.

        Parameters
        ----------
        case : its images.
        sequence : a sequence or phase.
        kind : acquired or prepared.

        Raises
        ------
        UnknownError : there is no such image.
        CaseError : it cannot be read or prepared; names the sequence, not the file.
        """
        image = case.named(sequence)
        known: Kind | None = next((one for one in self.kinds if one == kind), None)
        if known is None:
            raise UnknownError("there is no such image of this sequence")
        return self._kept.get((image, known, _stamp(image.file)), lambda: self._load(image, known))

    def prefetch(self, case: CaseImages) -> None:
        """Read a case's images in the background; of several that wait, the last is read."""
        if self._prefetching is None:
            self._prefetching = threading.Thread(target=self._prefetch, name="prefetch", daemon=True)
            self._prefetching.start()
        while not self._due.empty():
            self._due.get_nowait()
        self._due.put(case)

    def close(self) -> None:
        """Read nothing more in the background."""
        self._due.put(None)

    def _prefetch(self) -> None:
        while (case := self._due.get()) is not None:
            for image in case.images:
                if not self._due.empty():
                    break
                for kind in self.kinds if image.of_study else ():
                    try:
                        self.image(case, image.sequence, kind)
                    except Exception as error:  # it is met again, and told, when the case is opened
                        if not is_expected(error):
                            note(error, "prefetch")

    def _windows_of(self, case: CaseImages, sequence: str, kind: Kind) -> list[list[float]]:
        """Presets of a sequence; the phases of one family share theirs."""
        family = family_of(sequence)
        alike = [image.sequence for image in case.images if image.of_study and family_of(image.sequence) == family]
        if kind == self.first:
            for name in (family, *self._windows):
                if name in self._windows and family_of(name) == family_of(family):
                    return [list(map(float, pair)) for pair in self._windows[name]]
        return windows_of([self.image(case, name, kind).sample for name in alike])

    def _load(self, image: ImageFile, kind: Kind) -> StoredImage:
        is_prepared = kind == "prepared"
        task = _Task(image, self._steps if is_prepared else None, self._run.of(image) if is_prepared else None)
        try:
            if not is_prepared and image.file.name.lower().endswith((".nii", ".nii.gz")):
                return _read(task)
            with self._process:
                [(_, result)] = results(_read, [task], 1, shielded=True)
        except CaseError as error:
            raise error.located(sequence=image.sequence, file=image.file) from error
        if isinstance(result, CaseError):
            raise result.located(sequence=image.sequence, file=image.file)
        return result


@dataclass(frozen=True)
class _Task:
    """An image to read and, with steps, to prepare."""

    image: ImageFile
    steps: Steps | None
    record: Mapping[str, Any] | None


def _read(task: _Task) -> StoredImage:
    volume = Volume.read_3d(task.image.file)
    return stored_image(volume if task.steps is None else task.steps.prepare(volume, task.image, task.record))


def packed(octets: bytes) -> bytes:
    """The octets compressed; the same for the same octets."""
    return gzip.compress(octets, _PACKED, mtime=0)


async def octets_response(request: Request, image: StoredImage, *, is_local: bool) -> Response:
    """An image's voxels as an answer, compressed where they travel through a network.

    Parameters
    ----------
    request : which says what the browser accepts.
    image : to send.
    is_local : the server is reached from this computer alone.
    """
    octets = image.octets
    headers = {"x-dtype": image.dtype, "x-shape": ",".join(map(str, image.grid.shape))}
    if not is_local and "gzip" in request.headers.get("accept-encoding", ""):
        octets = await run_in_threadpool(packed, octets)
        headers["content-encoding"] = "gzip"
    return Response(octets, headers=headers, media_type="application/octet-stream")


def _stamp(file: Path) -> tuple[int, int]:
    """Tells a file from one that has replaced it."""
    try:
        state = file.stat()
    except OSError as error:
        raise CaseError(f"the image cannot be read: {error.strerror}", "look for the file", file=file) from error
    return state.st_size, state.st_mtime_ns


def _named_grids(grids: Sequence[Grid]) -> list[tuple[str, Grid]]:
    """Each grid with a name that grids which lie alike share."""
    different: list[Grid] = []
    named = []
    for grid in grids:
        place = next((at for at, other in enumerate(different) if not grid.difference(other)), len(different))
        if place == len(different):
            different.append(grid)
        named.append((f"g{place + 1}", grid))
    return named


def _in_order(phases: Sequence[str]) -> list[str]:
    """Phases by their number."""
    return sorted(phases, key=lambda name: (int(match[0]) if (match := _NUMBER.search(name)) else 0, name))


# --- curves ----------------------------------------------------------------------------------------------------------


def curve(images: ServedImages, case: CaseImages, sequence: str, mask: NDArray[np.bool_]) -> Json:
    """The time-intensity curve: the mean of the acquired intensity under a mask, at each phase.

    Parameters
    ----------
    images : the study's.
    case : its images.
    sequence : any phase of the series; the mask is on its grid.
    mask : bool (I, J, K).

    Returns
    -------
    ``phases``, ``values`` (null where the mask lies outside a phase) and ``times_s`` since the first phase; these are
    null, and ``note`` says so, unless they are known of all phases.

    Raises
    ------
    UnknownError : the sequence is no phase of a series, or the mask is empty or of another shape.
    """
    family = family_of(case.named(sequence).sequence)
    phases = _in_order([image.sequence for image in case.images if family_of(image.sequence) == family])
    grid = images.image(case, sequence, "acquired").grid
    if len(phases) < 2 or mask.shape != grid.shape or not mask.any():
        raise UnknownError("there is no curve here: it takes a series of phases, and a place on one of them")
    indices = np.argwhere(mask)
    values = [_mean_at(images.image(case, phase, "acquired"), grid, indices) for phase in phases]
    times = [seconds for phase in phases if (seconds := case.named(phase).seconds) is not None]
    if len(times) < len(phases):
        return {"phases": phases, "values": values, "times_s": None, "note": "the times of the phases are not known"}
    order = np.argsort(times, kind="stable").tolist()
    return {name: [given[index] for index in order] for name, given in
            (("phases", phases), ("values", values), ("times_s", times))}  # fmt: skip


def _mean_at(phase: StoredImage, grid: Grid, indices: NDArray[np.intp]) -> float | None:
    """Mean intensity at voxels of another grid, by nearest neighbour; None where some lie outside."""
    if phase.grid.difference(grid):
        onto = np.linalg.inv(phase.grid.affine) @ grid.affine
        indices = np.rint(indices @ onto[:3, :3].T + onto[:3, 3]).astype(np.intp)
        if (indices < 0).any() or (indices >= phase.grid.shape).any():
            return None
    mean = float(phase.voxels[tuple(indices.T)].mean(dtype=np.float64))
    return mean if np.isfinite(mean) else None


# --- memory ----------------------------------------------------------------------------------------------------------


class _Kept:
    """Images in memory, up to a stated size; those not asked for longest go first. Each is read by one thread alone."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._images: OrderedDict[object, StoredImage] = OrderedDict()
        self._busy: set[object] = set()
        self._free = threading.Condition()

    @property
    def size(self) -> int:
        """Bytes in memory."""
        with self._free:
            return sum(image.size for image in self._images.values())

    def get(self, key: object, load: Callable[[], StoredImage]) -> StoredImage:
        """The image under a key; `load` reads it unless it is there."""
        with self._alone(key):
            with self._free:
                if key in self._images:
                    self._images.move_to_end(key)
                    return self._images[key]
            image = load()
            with self._free:
                self._images[key] = image
                total = sum(one.size for one in self._images.values())
                while total > self._most:
                    total -= self._images.popitem(last=False)[1].size
            return image

    @contextmanager
    def _alone(self, key: object) -> Iterator[None]:
        with self._free:
            self._free.wait_for(lambda: key not in self._busy)
            self._busy.add(key)
        try:
            yield
        finally:
            with self._free:
                self._busy.discard(key)
                self._free.notify_all()
