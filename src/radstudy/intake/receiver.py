"""Receiver for C-MOVE: listens on one address, and accepts only known peers and requested objects (PS3.4 B and C)."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radstudy.errors import StorageError, UsageError
from radstudy.formats.dicom_classes import DRAWINGS, IMAGE_STORAGES
from radstudy.intake.limits import Limits
from radstudy.intake.transfer_error import RefusedObjectError
from radstudy.intake.watch import Watch

if TYPE_CHECKING:
    from radstudy.intake.pull import Keep

SYNTAXES = (
    "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5",
)  # fmt: skip
_STORED, _NOT_AUTHORISED, _OUT_OF_RESOURCES = 0x0000, 0x0124, 0xA700  # PS3.7 C.5, PS3.4 B.2.3
_ANY = "*"
_IDLE_S = 60  # an idle association is ended after this time
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Peers:
    """Permitted senders.

    Parameters
    ----------
    titles : calling application entity titles; if empty, any.
    networks : permitted addresses.
    """

    titles: tuple[str, ...]
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, title: str, host: str, others: Sequence[str]) -> Peers:
        """Combine the PACS and other senders, TITLE@ADDRESS: a host name, an address or a network; TITLE may be *.

        Raises
        ------
        UsageError : one has another form, or its host name cannot be resolved.
        """
        titles, networks = [title], list(_networks(host))
        for other in others:
            name, at, place = other.rpartition("@")
            if not at or not name or not place:
                raise UsageError(f"--move-from '{other}' is not TITLE@ADDRESS. To do: write it as in PACS2@10.0.0.6")
            titles.append(name)
            networks += _networks(place)
        return cls(() if _ANY in titles else tuple(titles), tuple(networks))

    def have(self, address: str) -> bool:
        """True if an address is permitted."""
        host = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
            host = host.ipv4_mapped
        return any(host in network for network in self.networks)


@contextmanager
def receiving(
    port: int, address: str, own_title: str, peers: Peers, keep: Keep, watch: Watch, limits: Limits
) -> Iterator[list[str]]:
    """Receive until the end of the block.

    Parameters
    ----------
    port, address : where to listen.
    own_title : the title that a peer must call.
    peers : permitted senders.
    keep : accepts the objects.
    watch, limits : watch and bounds of the operation.

    Yields
    ------
    The refused connections, a list that grows.

    Raises
    ------
    UsageError : the port cannot be opened.
    """
    from pynetdicom import AE, evt
    from pynetdicom.transport import ThreadedAssociationServer

    refused: list[str] = []
    entity = AE(ae_title=own_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(peers.titles)
    entity.maximum_associations = limits.associations
    entity.acse_timeout = entity.network_timeout = _IDLE_S
    for storage in (*IMAGE_STORAGES, *DRAWINGS):
        entity.add_supported_context(storage, list(SYNTAXES))

    class Listener(ThreadedAssociationServer):
        """Close connections from other addresses, and those beyond the bound, before anything is read from them."""

        def verify_request(self, request: Any, client_address: Any) -> bool:
            if not peers.have(client_address[0]):
                refused.append(f"a connection from {client_address[0]}, which is not the PACS")
                return False
            return len(entity.active_associations) < 2 * limits.associations

        def shutdown(self) -> None:
            """Stop the server, of which the entity does not know."""
            socketserver.BaseServer.shutdown(self)
            self.server_close()

    handlers: list[Any] = [
        (evt.EVT_CONN_OPEN, watch.opened),
        (evt.EVT_DIMSE_RECV, watch.message_ends),
        (evt.EVT_REJECTED, _note_rejected, [own_title, refused]),
        (evt.EVT_C_STORE, store, [keep, watch]),
    ]
    try:
        server = entity.make_server((address, port), evt_handlers=handlers, server_class=Listener)
    except OSError as error:
        raise UsageError(
            f"port {port} of {address} cannot be opened to receive: {error.strerror or type(error).__name__}. To do: "
            "give another --move-port, or one of this computer's addresses as --move-address"
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield refused
    finally:
        server.shutdown()
        thread.join()
        for association in entity.active_associations:
            association.abort()


def store(event: Any, keep: Keep, watch: Watch) -> int:
    """Handle EVT_C_STORE: keep the object and return its status."""
    try:
        with watch.busy():
            keep(str(event.request.AffectedSOPInstanceUID), event.encoded_dataset())
    except RefusedObjectError:
        return _NOT_AUTHORISED
    except StorageError:
        return _OUT_OF_RESOURCES
    return _STORED


def _note_rejected(event: Any, own_title: str, refused: list[str]) -> None:
    request = event.assoc.requestor.primitive
    refused.append(
        f"an association from '{request.calling_ae_title}' that calls '{request.called_ae_title}' "
        f"(we are '{own_title}')"
    )


def _networks(place: str) -> list[Network]:
    try:
        return [ipaddress.ip_network(place, strict=False)]
    except ValueError:
        pass
    try:
        addresses = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(place, None)}
    except (OSError, UnicodeError) as error:
        raise UsageError(f"the address '{place}' cannot be resolved. To do: check its spelling") from error
    return [ipaddress.ip_network(one) for one in sorted(addresses)]
