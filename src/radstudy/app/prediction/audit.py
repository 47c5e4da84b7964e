"""The audit log of the service: what was asked when, and how it ended. It has no patient's data.

No file name, no value, no probability. A line is written before its answer is sent: without it there is no answer.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from radstudy._version import __version__
from radstudy.errors import UsageError
from radstudy.store import append_line

_LONGEST_LINE = 10_000


@dataclass(frozen=True)
class AuditedRequest:
    """One line of the log.

    Parameters
    ----------
    request : id, which the answer has, too.
    kind : values or images; start and end of the server.
    status : of HTTP; 0 for none.
    verdict : predicted, outside range, refused, not usable, not heard.
    seconds : from the request's arrival to its answer.
    """

    request: str
    kind: str
    status: int = 0
    verdict: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class AuditLog:
    """A file of JSON lines to which the server appends; only its owner may read it.

    Parameters
    ----------
    file : made where it is missing.
    signature : hash of the signature, in every line.
    """

    file: Path
    signature: str

    @classmethod
    def opened(cls, file: Path, signature: str) -> AuditLog:
        """A log in this file.

        Raises
        ------
        UsageError : the file is something else.
        """
        if file.is_dir() or (file.exists() and not _is_log(file)):
            raise UsageError(
                f"--audit {file}: this is not an audit log of 'radstudy serve'. Nothing was written to it. To do: give "
                "another file"
            )
        return cls(file, signature)

    def add(self, line: AuditedRequest) -> None:
        """Append a line.

        Raises
        ------
        StorageError : the disk is full, or the file cannot be written to.
        """
        content = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **asdict(line),
            "seconds": round(line.seconds, 3), "signature": self.signature, "radstudy": __version__,
        }  # fmt: skip
        append_line(self.file, json.dumps(content))


def default_audit_file() -> Path:
    """The log in the user's folder for the state of programs: a signature may lie on a share that is only read.

    References
    ----------
    XDG Base Directory Specification, XDG_STATE_HOME.
    """
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Logs"
    else:
        stated = os.environ.get("XDG_STATE_HOME", "")
        base = Path(stated) if Path(stated).is_absolute() else Path.home() / ".local" / "state"
    return base / "radstudy" / "serve_audit.jsonl"


def _is_log(file: Path) -> bool:
    """True for an empty file, and for one whose first line the server could have written."""
    with file.open("rb") as opened:
        first = opened.readline(_LONGEST_LINE)
    if not first:
        return True
    try:
        line = json.loads(first)
    except ValueError:
        return False
    return isinstance(line, dict) and {"time", "request", "kind", "signature", "radstudy"} <= set(line)
