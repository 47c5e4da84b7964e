"""Pseudonyms by a keyed table that is kept apart from the output, and texts without what identifies a patient.

A pseudonym is an HMAC-SHA-256 (RFC 2104) of the PatientID with a secret key: the same patient gets the same one in
every import that uses the table, and without the key it cannot be worked out from the PatientID.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from radstudy.errors import DataError
from radstudy.formats.dicom_header import Identity
from radstudy.store import write_text

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_COLUMNS = ["pseudonym", "patient_id", "issuer"]
REMOVED = "[removed]"
# Archives write the collection where the name was, such as 06^Breast-MRI-Pilot: these parts of it identify nobody.
_NO_NAMES = {"BREAST", "MRI", "DCE", "LESION", "TUMOR", "TUMOUR"}


class Pseudonyms:
    """The table: (PatientID, issuer) to pseudonym.

    Parameters
    ----------
    table : the CSV file (columns pseudonym, patient_id, issuer); the key lies beside it as TABLE.key. None: a table in
        memory, for a dry run.

    Raises
    ------
    DataError : the table lacks a column or names a pseudonym twice, or its key cannot be read.
    """

    def __init__(self, table: Path | None) -> None:
        self._file = table
        self._known: dict[tuple[str, str], str] = {}
        key_file = None if table is None else table.with_name(table.name + ".key")
        if table is not None and table.is_file():
            self._read(table)
        self._new_key: Path | None = None
        if key_file is None or not key_file.is_file():
            self.key, self._new_key = secrets.token_bytes(32), key_file
            return
        try:
            self.key = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
        except ValueError as error:
            raise DataError(
                f"{key_file}: it is no key. To do: put back the one that the table was made with"
            ) from error

    def _read(self, table: Path) -> None:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and not set(_COLUMNS[:2]) <= set(rows[0]):
            raise DataError(f"{table}: the table of pseudonyms needs the columns {', '.join(_COLUMNS)}")
        for row in rows:
            self._known[(row["patient_id"], row.get("issuer") or "")] = row["pseudonym"]
        if len(set(self._known.values())) != len(self._known):
            raise DataError(f"{table}: a pseudonym stands for two patients. To do: give each patient one of its own")

    def of(self, identifier: tuple[str, str]) -> str:
        """The patient's pseudonym; a new one where the table has none."""
        if identifier not in self._known:
            digest = int.from_bytes(hmac.new(self.key, "\0".join(identifier).encode(), hashlib.sha256).digest())
            taken, length = set(self._known.values()), 8
            while (name := "P" + _base32(digest, length)) in taken:
                length += 1
            self._known[identifier] = name
        return self._known[identifier]

    def mark(self, *parts: str) -> str:
        """A keyed mark of a series or volume: stable, and nothing of its UID can be seen in it."""
        return hmac.new(self.key, "\0".join(("mark", *parts)).encode(), hashlib.sha256).hexdigest()[:16]

    def save(self) -> None:
        """Write the table and its key, readable by their owner only."""
        if self._file is None:
            return
        if self._new_key is not None:
            write_text(self._new_key, self.key.hex() + "\n")
            self._new_key.chmod(0o600)
            self._new_key = None
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([name, *identifier] for identifier, name in sorted(self._known.items()))
        write_text(self._file, text.getvalue())
        self._file.chmod(0o600)


def private_folder(path: Path) -> None:
    """Make the folder of what identifies patients, open to its owner only."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o700)


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(length))


class Redactor:
    """Takes out of a free text what identifies a patient: words of the name (also without accents, and the parts of
    double names), the PatientID, birth dates, UIDs.

    Parameters
    ----------
    identities : everything that the patient's headers say about who it is.
    """

    def __init__(self, identities: Iterable[Identity]) -> None:
        words = set()
        for identity in identities:
            words |= {*re.split(r"[\^=,\s]+", identity.name)}
            words |= {part for part in re.split(r"[\W_]+", identity.name) if part.upper() not in _NO_NAMES}
            words |= {identity.patient_id, identity.study_uid, identity.series_uid}
            words |= _spelt(identity.birth_date)
        words |= {unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode() for word in words}
        parts = [
            r"\d+(?:\.\d+){4,}",
            *(re.escape(word) for word in sorted(words, key=len, reverse=True) if len(word) > 2),
        ]
        self._pattern = re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(parts) + r")(?![A-Za-z0-9])", re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """The text with what identifies the patient taken out."""
        return self._pattern.sub(REMOVED, text)


def _spelt(date: str) -> set[str]:
    """A DICOM date as people write it."""
    if not re.fullmatch(r"\d{8}", date):
        return {date} if date else set()
    year, month, day = date[:4], date[4:6], date[6:]
    orders = [(year, month, day), (day, month, year), (month, day, year)]
    return {date} | {sign.join(order) for order in orders for sign in ("-", ".", "/", "")}
