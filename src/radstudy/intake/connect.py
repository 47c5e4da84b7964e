"""A server's address, and what it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from radstudy.errors import UsageError
from radstudy.intake.pull import Server


def server_of(
    where: str,
    *,
    own_title: str = "RADSTUDY",
    move_port: int | None = None,
    move_address: str = "",
    move_from: Sequence[str] = (),
    timeout_s: float = 60,
) -> Server | None:
    """Return the server that an address names, or None if it is a path.

    Parameters
    ----------
    where : http(s)://host/dicom-web, or dimse://TITLE@host:port.
    own_title : our application entity title.
    move_port : receive by C-MOVE on this port instead of C-GET.
    move_address, move_from : the address to receive on, and other permitted senders (TITLE@ADDRESS); see `Dimse`.
    timeout_s : give up on a server that sends nothing for this long.

    Raises
    ------
    UsageError : the address lacks its title, host or port.
    """
    if where.startswith(("http://", "https://")):
        from radstudy.intake.dicomweb import DicomWeb

        return DicomWeb(where, timeout_s=timeout_s)
    if not where.startswith("dimse://"):
        return None
    from radstudy.intake.dimse import Dimse

    try:
        parts = urlsplit(where)
        title, host, port = parts.username, parts.hostname, parts.port
    except ValueError:
        title = host = port = None
    if not title or not host or not port:
        raise UsageError(f"'{where}' is not the address of a PACS. To do: write dimse://TITLE@host:port")
    return Dimse(host, port, title, own_title, move_port, timeout_s, move_address, tuple(move_from))


def asked_for(text: str) -> str:
    """The identifier that is asked for: as given, or, after @, the content of a file.

    A command line can be read by others of this computer, and is kept by shells: a file in the private folder is not.

    Parameters
    ----------
    text : a PatientID or StudyInstanceUID, or @FILE.

    Raises
    ------
    UsageError : there is no such file, or nothing in it.
    """
    if not text.startswith("@"):
        return text
    try:
        content = Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{text[1:]} cannot be read: after @ stands a file with the identifier to ask for") from None
    if not content:
        raise UsageError(f"{text[1:]} is empty: it holds the identifier to ask for")
    return content
