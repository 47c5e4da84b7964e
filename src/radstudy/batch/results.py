"""Results of a batch as they come, each a line of a log with its checksum, so that a killed batch goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from radstudy.errors import StorageError
from radstudy.store import append_line, bytes_hash, storing

_CHECK = 32  # letters of a checksum


class ResultLog:
    """The results of the cases that are done, by a key of all that they depend on.

    Lines that are cut off or damaged are left out: their cases are computed again.

    Parameters
    ----------
    file : the log; it need not exist.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._places: dict[str, int] = {}  # key to the place of its line
        self._end = 0
        self._read()

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the cases that are done."""
        return frozenset(self._places)

    def add(self, key: str, values: Sequence[float]) -> None:
        """Append a result.

        Parameters
        ----------
        key : of the case.
        values : of its features, in the order of their names.

        Raises
        ------
        StorageError : the disk is full, or the folder cannot be written to.
        """
        body = json.dumps({"key": key, "values": list(values)}, separators=(",", ":"))
        line = f"{bytes_hash(body.encode())} {body}"
        append_line(self.file, line)
        self._places[key] = self._end
        self._end += len(line.encode()) + 1

    def values(self, key: str) -> list[float]:
        """The values of a case that is done.

        Raises
        ------
        StorageError : the log was changed meanwhile.
        """
        with storing(self.file), self.file.open("rb") as stream:
            stream.seek(self._places[key])
            record = _record(stream.readline())
        if record is None or record["key"] != key:
            raise StorageError(self.file, "it was changed while the batch was running")
        values = record["values"]
        assert isinstance(values, list)
        return values

    def _read(self) -> None:
        if not self.file.exists():
            return
        with storing(self.file), self.file.open("r+b") as stream:
            for line in stream:
                if not line.endswith(b"\n"):  # cut off when the program was killed
                    stream.truncate(self._end)
                    break
                if (record := _record(line)) is not None:
                    self._places[str(record["key"])] = self._end
                self._end += len(line)


def _record(line: bytes) -> Mapping[str, object] | None:
    """The record of a line; None if it is not as it was written."""
    body = line.rstrip(b"\n")[_CHECK + 1 :]
    if line[:_CHECK].decode("ascii", "replace") != bytes_hash(body):
        return None
    record = json.loads(body)
    return record if isinstance(record, dict) else None
