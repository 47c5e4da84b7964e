"""Parsing of a server's address."""

from __future__ import annotations

from collections.abc import Sequence
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
) -> Server | None:
    """Return the server that an address names, or None if it is a path.

    Parameters
    ----------
    where : http(s)://host/dicom-web, or dimse://TITLE@host:port.
    own_title : our application entity title.
    move_port : receive by C-MOVE on this port instead of C-GET.
    move_address, move_from : the address to receive on, and other permitted senders (TITLE@ADDRESS); see `Dimse`.

    Raises
    ------
    UsageError : the address lacks its title, host or port.
    """
    if where.startswith(("http://", "https://")):
        from radstudy.intake.dicomweb import DicomWeb

        return DicomWeb(where)
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
    return Dimse(host, port, title, own_title, move_port, move_address=move_address, move_from=tuple(move_from))
