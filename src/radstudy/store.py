"""What every step needs of the disk: atomic writes, content hashes, provenance, one run at a time.

A step's folder is finished when its ``provenance.json`` is there: it is written last, and holds the key of everything
that the step's result depends on. A step whose key has not changed is not run again.
"""

from __future__ import annotations

import csv
import datetime
import errno
import hashlib
import io
import itertools
import json
import math
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radstudy._version import __version__
from radstudy.cells import guarded, unguarded
from radstudy.errors import StorageError, UsageError

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE = "provenance.json"
_OWNER_ALONE, _AS_ASKED = 0o600, 0o666  # modes of files; of the second one the umask takes its part
_PART = ".part-"  # begins the name of a folder that a file is written in
_OPENED = (".csv", ".xlsx", ".docx", ".html", ".svg", ".png")  # what a run writes and people change by hand
PARTS = {  # folders within a step's that are steps of their own
    "extract": ("maps", "shuffled"),
    "evaluate": ("null", "resampling", "baselines", "other_reader", "leaks"),
}
BESIDE = {"model": ("signature.json",), "report": ("report.html",)}  # what a step writes into the run's folder
_OF_OTHERS = ("opened.json", "Thumbs.db", ".DS_Store", "desktop.ini")  # kept by file, or by somebody's file manager
_LIBRARIES = ("numpy", "scipy", "numba", "SimpleITK", "scikit-learn", "pandas", "pydantic")


# --- writing ---------------------------------------------------------------------------------------------------


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file so that it is there whole or not at all, even if the computer stops half-way.

    What was written is read back before it gets its name.

    Parameters
    ----------
    path, private : see `written_whole`.
    content : of the file.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be made or written to.
    """
    with written_whole(path, private=private) as part:
        mode = _OWNER_ALONE if private else _AS_ASKED
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
        if not _holds(part, content):
            raise StorageError(
                path, f"{part.stat().st_size} bytes of {len(content)} were written, or other ones (is the disk full?)"
            )


@contextmanager
def written_whole(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a place to write a file in, beside its final one; only what was written to the end gets the final name.

    The place is a folder of its own, so that a format of two files (.mhd with its .raw) finds both under their names.
    Whoever writes there checks what was written, and raises where it is not whole: then nothing appears. What appears
    is on the disk, its name too.

    A new file has the permissions that the user's umask leaves, as of any program; one that is replaced keeps its own.

    Parameters
    ----------
    path : the file's final name; what is there already stays until the new one is whole.
    private : only the owner may read the file (mode 0600) and enter the folders that are made for it (0700).

    Yields
    ------
    The path to write to; it has the name of `path`.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be made or written to.
    """
    with storing(path):
        made = make_folders(path.parent, private=private)
        room = Path(tempfile.mkdtemp(prefix=_PART, dir=path.parent))  # its mode is 0700: nobody else sees what is in it
        try:
            yield room / path.name
            parts = sorted(room.iterdir(), key=lambda part: part.name == path.name)  # a header names the others: last
            for part in parts:
                with part.open("r+b") as file:
                    os.fsync(file.fileno())
                _permit(part, path.with_name(part.name), private=private)
            for part in parts:
                part.replace(path.with_name(part.name))
            for folder in (path.parent, *(folder.parent for folder in reversed(made))):
                _keep_names(folder)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def make_folders(folder: Path, *, private: bool = False) -> list[Path]:
    """Make a folder and those above it that are not there, and give those that were made, the outermost first.

    `private` ones are never open to others, not for an instant.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700 if private else 0o777, exist_ok=True)  # another process may have made it meanwhile
    return missing[::-1]


def _holds(file: Path, content: bytes) -> bool:
    """Whether a file holds these bytes and no others."""
    whole, step = memoryview(content), 1 << 20
    with file.open("rb") as opened:
        blocks = (whole[start : start + step] for start in range(0, len(whole), step))
        return all(opened.read(len(block)) == block for block in blocks) and not opened.read(1)


def _permit(part: Path, final: Path, *, private: bool) -> None:
    """Give a file that is about to get its name the permissions that it is to have."""
    present = stat.S_IMODE(part.stat().st_mode)
    wanted = _OWNER_ALONE if private else stat.S_IMODE(final.stat().st_mode) if final.is_file() else present
    if wanted != present:
        with suppress(PermissionError, NotImplementedError):  # a file system without permissions (FAT, some shares)
            part.chmod(wanted)


def _keep_names(folder: Path) -> None:
    """Wait until a folder's list of names is on the disk; Windows and some network shares know no such thing."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise


def remove_parts(folder: Path, *, untouched_s: float = 3600.0) -> None:
    """Remove what `written_whole` has left below a folder where its program was killed.

    Parameters
    ----------
    folder : to look through; it need not exist.
    untouched_s : parts younger than this stay: another program may be writing them.
    """
    for part in folder.rglob(f"{_PART}*"):
        try:
            old = time.time() - part.stat().st_mtime > untouched_s
        except OSError:  # it is finished, and gone
            continue
        if old and part.is_dir():
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def storing(path: Path | str) -> Iterator[None]:
    """Say of a disk that is full, or a folder that is closed, which file or folder it was, and what to do."""
    try:
        yield
    except OSError as error:
        raise StorageError(path, error.strerror or str(error)) from error


@contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder for a file that one library writes and another reads; open to its owner only, and gone afterwards.

    Raises
    ------
    StorageError : see `temporary_files`.
    """
    with temporary_files(), tempfile.TemporaryDirectory(prefix="radstudy-") as folder:
        yield folder


def temporary_files() -> AbstractContextManager[None]:
    """Say of errors of the system that the place for temporary files is full or closed: no fault of the case at hand.

    Raises
    ------
    StorageError : there was such an error.
    """
    return storing("the folder for temporary files (TMPDIR)")


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write UTF-8 text atomically, with the line ends as they are; `private` as of `written_whole`."""
    write_bytes(path, text.encode("utf-8"), private=private)


def write_json(path: Path, content: object, *, compact: bool = False, private: bool = False) -> None:
    """Write JSON atomically; NaN and infinities become null, NumPy scalars and arrays plain numbers and lists.

    `compact` writes it without line breaks, several times faster: for records that only the program reads. `private` as
    of `written_whole`.
    """
    indent = None if compact else 1
    text = json.dumps(plain(content), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text, private=private)


def read_json(path: Path) -> Any:
    """Read a UTF-8 JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV atomically: comma, decimal point, every float with all its digits, no index.

    A text that a spreadsheet would take for a formula is guarded, see `radstudy.cells`; `read_csv` gives it as it was.
    """
    write_bytes(path, csv_bytes(frame))


def read_csv(path: Path, **options: Any) -> pd.DataFrame:
    """Read a table that `write_csv` has written, with all its digits: pandas before 3 loses the last of many.

    Parameters
    ----------
    path : of the file.
    options : of `pandas.read_csv`; the names of columns are those that were written.
    """
    import pandas as pd

    exact = {"float_precision": "round_trip"} if int(pd.__version__.partition(".")[0]) < 3 else {}
    by_column = {
        option: {guarded(str(name)): value for name, value in given.items()} if isinstance(given, Mapping) else given
        for option, given in options.items()
    }
    return _texts_changed(pd.read_csv(path, **exact, **by_column), unguarded)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """What `write_csv` writes."""
    safe = _texts_changed(frame, guarded)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    if "\r" in text:  # Python's writer leaves it without quotes, and a reader would begin a row there
        text = safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8")


def _texts_changed(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """The table with every text of it, names of columns among them, as `change` gives it; itself where none differs."""
    import pandas as pd

    made = frame
    for place, kind in enumerate(frame.dtypes):
        if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
            continue
        column = frame.iloc[:, place]
        texts = {value for value in column if isinstance(value, str)}
        if new := {text: other for text in texts if (other := change(text)) != text}:
            cells = [new.get(value, value) if isinstance(value, str) else value for value in column]
            typed = object if isinstance(kind, pd.CategoricalDtype) else kind
            made = made.copy() if made is frame else made
            made.isetitem(place, pd.Series(cells, index=frame.index, dtype=typed))
    names = [change(name) if isinstance(name, str) else name for name in frame.columns]
    return made if names == list(frame.columns) else made.set_axis(pd.Index(names), axis="columns")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet atomically, index included."""
    write_bytes(path, frame.to_parquet())


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named NumPy arrays as compressed NPZ atomically."""
    import numpy as np

    memory = io.BytesIO()
    np.savez_compressed(memory, **arrays)
    write_bytes(path, memory.getvalue())


def plain(value: Any) -> Any:
    """The value as JSON can hold it: dictionaries, lists, strings, numbers, booleans, None."""
    if type(value) is float:  # nearly all of them: asked first, and by type, which is quicker
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


# --- hashing ---------------------------------------------------------------------------------------------------


def content_hash(content: object) -> str:
    """A hash of plain content (BLAKE2b, 128 bits, hexadecimal); the order of dictionary keys does not matter."""
    text = json.dumps(plain(content), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def file_hash(path: Path) -> str:
    """A hash of a file's bytes (BLAKE2b, 128 bits, hexadecimal)."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def bytes_hash(content: bytes) -> str:
    """The hash that `file_hash` gives of a file with these bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


@cache
def code_key() -> str:
    """The program's version; of a development version also a hash of its source, so that edits are never missed."""
    if ".dev" not in __version__:
        return __version__
    digest = hashlib.blake2b(digest_size=8)
    package = Path(__file__).parent
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return f"{__version__}+{digest.hexdigest()}"


def versions() -> dict[str, str]:
    """The versions of radstudy, Python, the platform and the libraries that make the numbers."""
    found = {"radstudy": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for library in _LIBRARIES:
        found[library] = metadata.version(library)
    return found


def set_aside(file: Path) -> Path:
    """Rename a file so that its name is free: table1.csv becomes table1.kept-1.csv."""
    ending = "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix
    stem = file.name.removesuffix(ending)
    names = (file.with_name(f"{stem}.kept-{number}{ending}") for number in itertools.count(1))
    free = next(name for name in names if not name.exists())
    file.rename(free)
    return free


def _hash_or_none(file: Path) -> str | None:
    try:
        return file_hash(file)
    except OSError:
        return None


def machine() -> dict[str, str]:
    """The processor, and what kernels are compiled for: numba's target, and a hash of the features that it uses.

    N4 and the features have the same bits on all of them; where a library's last digit differs, this says between what.
    """
    import llvmlite.binding as llvm

    target = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        features = "" if target == "generic" else llvm.get_host_cpu_features().flatten()
    return {"processor": _processor(), "kernel_target": target, "kernel_features": content_hash(features)}


def _processor() -> str:
    """The processor's name as the system has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


# --- steps -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepFolder:
    """The folder of one step of a run."""

    path: Path

    def is_finished(self, key: str) -> bool:
        """Whether the step has run to its end with exactly this key."""
        return self.finished_key() == key

    def finished_key(self) -> str | None:
        """The key that the step has finished with, or None."""
        try:
            record = read_json(self.path / PROVENANCE)
        except (OSError, ValueError):  # not there, or damaged: not UTF-8, not JSON
            return None
        key = record.get("key") if isinstance(record, dict) else None
        return key if isinstance(key, str) else None

    def begin(self) -> list[Path]:
        """Make the folder and take back its mark of being finished; what somebody has changed there is kept.

        Returns
        -------
        Files that were changed since the step wrote them, under the names that they are kept by.
        """
        with storing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            changed = [file for file in self.changed() if file.suffix in _OPENED and file.is_file()]
            kept_files = [set_aside(file) for file in changed]
            (self.path / PROVENANCE).unlink(missing_ok=True)
        return kept_files

    def changed(self) -> list[Path]:
        """Files that the finished step has written and that are gone, damaged, or changed by somebody.

        None where nothing is recorded of them: earlier versions recorded only what people open.
        """
        try:
            recorded = dict(read_json(self.path / PROVENANCE)["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [
            self.path / name for name, content in recorded.items()
            if self._is_own(self.path / name) and _hash_or_none(self.path / name) != content
        ]  # fmt: skip

    def _written(self) -> dict[str, str]:
        """Hashes of what the step has written, without the parts that are steps of their own."""
        found = sorted(file for file in self.path.rglob("*") if file.is_file() and self._is_own(file))
        own = {file.relative_to(self.path).as_posix(): file_hash(file) for file in found}
        beside = (self.path.parent / name for name in BESIDE.get(self.path.name, ()))
        return own | {f"../{file.name}": file_hash(file) for file in beside if file.is_file()}

    def _is_own(self, file: Path) -> bool:
        """Whether a file in this folder, or beside it, is written by this step and by nothing else."""
        inside = file.relative_to(self.path).parts
        return not (
            inside[0] in PARTS.get(self.path.name, ())
            or inside[-1] in (PROVENANCE, *_OF_OTHERS)
            or ".kept-" in inside[-1]
            or any(part.startswith((_PART, "~$", ".~lock")) for part in inside)
        )

    def finish(self, key: str, *, settings: object, inputs: Mapping[str, str], seconds: float) -> None:
        """Mark the step as finished.

        Parameters
        ----------
        key : hash of everything that the result depends on.
        settings : the step's own section of the protocol.
        inputs : name to content hash, or to the key of the step that made it.
        seconds : how long the step took.
        """
        write_json(
            self.path / PROVENANCE,
            {
                "key": key,
                "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 2),
                "code": code_key(),
                "versions": versions(),
                "machine": machine(),
                "settings": settings,
                "inputs": dict(inputs),
                "files": self._written(),
            },
        )


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the run's folder: a second run into the same folder is refused, not mixed in.

    Raises
    ------
    UsageError : another run holds the folder.
    StorageError : it cannot be made or written to.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(str(folder / ".lock"), timeout=0)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(f"another run is working in {folder}: wait for it, or choose another --out") from None
    try:
        yield
    finally:
        lock.release()
