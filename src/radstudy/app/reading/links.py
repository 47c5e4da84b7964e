"""Personal links, which open the reading room to a reader or to the lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["reader", "lead"]


@dataclass(frozen=True)
class PersonalLink:
    """A personal link, as it is kept: what it opens, and the hash of its token.

    Parameters
    ----------
    id : names it on the lead's page.
    token_hash : SHA-256 of the token, hexadecimal; the token itself is kept nowhere.
    role : reader or lead.
    reader : whose it is; "" of a lead who reads nothing.
    task : the only task that it opens; "" for all of the reader's.
    created_at : UTC, ISO 8601.
    revoked_at : "" while it is valid.
    """

    id: str
    token_hash: str
    role: Role
    reader: str
    task: str
    created_at: str
    revoked_at: str = ""
