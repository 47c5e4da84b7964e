"""Pseudonyms from a keyed table kept apart from the output, and removal of identifying text.

A pseudonym is an HMAC-SHA-256 (RFC 2104) of the PatientID with a secret key: the same patient gets the same one in
every import that uses the table, and without the key it cannot be derived from the PatientID.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from radstudy.errors import DataError
from radstudy.formats.dicom_header import DicomIdentity
from radstudy.intake.csv_rows import read_rows, write_rows
from radstudy.store import write_text

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_COLUMNS = ["pseudonym", "patient_id", "issuer"]
REMOVED = "[removed]"
_START, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
# Archives replace the name by the collection, such as 06^Breast-MRI-Pilot: these parts of it identify no one.
_NO_NAMES = {"BREAST", "MRI", "DCE", "LESION", "TUMOR", "TUMOUR"}


class Pseudonyms:
    """Table of pseudonyms by (PatientID, issuer).

    Parameters
    ----------
    table : the CSV file (columns pseudonym, patient_id, issuer); the key is next to it as TABLE.key. Nothing is
        written before `save`, so that a dry run shows the pseudonyms that the import will use.

    Raises
    ------
    DataError : the table lacks a column or holds a pseudonym twice, or its key cannot be read.
    """

    def __init__(self, table: Path) -> None:
        self._file = table
        self._known: dict[tuple[str, str], str] = {}
        key_file = table.with_name(table.name + ".key")
        if table.is_file():
            self._read(table)
        self._new_key: Path | None = None
        if not key_file.is_file():
            self.key, self._new_key = secrets.token_bytes(32), key_file
            return
        try:
            self.key = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
        except ValueError as error:
            raise DataError(
                f"{key_file}: it is not a key. To do: restore the one with which the table was created"
            ) from error

    @property
    def is_new(self) -> bool:
        """True if the key is new and not yet saved: another new key would yield other pseudonyms."""
        return self._new_key is not None

    def _read(self, table: Path) -> None:
        rows = read_rows(table)
        if rows and not set(_COLUMNS[:2]) <= set(rows[0]):
            raise DataError(f"{table}: the table of pseudonyms needs the columns {', '.join(_COLUMNS)}")
        for row in rows:
            self._known[(row["patient_id"], row.get("issuer") or "")] = row["pseudonym"]
        if len(set(self._known.values())) != len(self._known):
            raise DataError(f"{table}: two patients have the same pseudonym. To do: give each patient a different one")

    def of(self, identifier: tuple[str, str]) -> str:
        """Return the patient's pseudonym, a new one if the table has none."""
        if identifier not in self._known:
            digest = int.from_bytes(hmac.new(self.key, "\0".join(identifier).encode(), hashlib.sha256).digest())
            taken, length = set(self._known.values()), 8
            while (name := "P" + _base32(digest, length)) in taken:
                length += 1
            self._known[identifier] = name
        return self._known[identifier]

    def knows(self, identifier: tuple[str, str]) -> bool:
        """True if the patient already has a pseudonym."""
        return identifier in self._known

    def mark(self, *parts: str) -> str:
        """Return a keyed mark of a series or volume, which is stable and reveals nothing of its UID."""
        return hmac.new(self.key, "\0".join(("mark", *parts)).encode(), hashlib.sha256).hexdigest()[:16]

    def save(self) -> None:
        """Write the table and its key, readable only by their owner."""
        if self._new_key is not None:
            write_text(self._new_key, self.key.hex() + "\n", private=True)
            self._new_key = None
        rows = (
            dict(zip(_COLUMNS, (name, *identifier), strict=True)) for identifier, name in sorted(self._known.items())
        )
        write_rows(self._file, _COLUMNS, rows, private=True)


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(length))


class Redactor:
    """Remove from free text what identifies a patient: the name in each of its forms, PatientID, birth dates, UIDs.

    Of a name, its words are removed (also without accents, and the parts of double names), and the words of one
    component, or of family and given name in either order, with anything or nothing between them. Fewer than three
    letters are kept, unless they are two letters of a script without capitals, in which a letter is a syllable or word.

    Parameters
    ----------
    identities : all identities in the patient's headers.

    Examples
    --------
    >>> of_name = Redactor([DicomIdentity("", "", "Yamada^Tarou=山田^太郎", "", "", "", "")])
    >>> of_name("T2 YAMADA_T"), of_name("山田太郎 T2"), of_name("T2 TarouYamada")
    ('T2 [removed]_T', '[removed] T2', 'T2 [removed]')
    """

    def __init__(self, identities: Iterable[DicomIdentity]) -> None:
        known: set[tuple[str, ...]] = set()  # consecutive words
        for identity in identities:
            for writing in identity.name.split("="):
                known |= _told_by(writing)
            alone = (identity.patient_id, identity.study_uid, identity.series_uid, *_spelt(identity.birth_date))
            known |= {(word,) for word in alone}
        known |= {tuple(filter(None, spelt)) for words in known for spelt in zip(*map(_forms, words), strict=True)}
        longest_first = sorted(filter(_is_enough, known), key=lambda words: (-len("".join(words)), words))
        parts = [rf"{_START}\d+(?:\.\d+){{4,}}{_END}", *map(_in_a_row, longest_first)]
        self._pattern = re.compile("|".join(parts), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """Return the text without what identifies the patient."""
        return self._pattern.sub(REMOVED, text)


def _told_by(writing: str) -> set[tuple[str, ...]]:
    """Words and sequences of words that identify a name in one form (FAMILY^GIVEN^MIDDLE^PREFIX^SUFFIX)."""
    sequences = {(word,) for word in re.split(r"[\^,\s]+", writing)}
    components = [tuple(filter(None, re.split(r"[\W_]+", part))) for part in re.split(r"[\^,]", writing)]
    sequences |= {(word,) for words in components for word in words if word.upper() not in _NO_NAMES}
    family, given = [*components, (), ()][:2]
    rows = [*components, *([family + given, given + family] if family and given else [])]
    return sequences | {
        row for row in rows if any(word.upper() not in _NO_NAMES and not word.isdigit() for word in row)
    }


def _forms(word: str) -> tuple[str, ...]:
    """The same letters composed, decomposed, of normal width and without accents."""
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return (*(unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC")), plain)


def _is_enough(words: tuple[str, ...]) -> bool:
    letters = "".join(words)
    return len(letters) > 2 or (len(letters) == 2 and all(map(_is_syllable, letters)))


def _in_a_row(words: tuple[str, ...]) -> str:
    """Pattern of the words with anything but letters between them; syllabic scripts have no word boundaries."""
    start, end = "" if _is_syllable(words[0][0]) else _START, "" if _is_syllable(words[-1][-1]) else _END
    return start + r"[\W_]*".join(map(re.escape, words)) + end


def _is_syllable(letter: str) -> bool:
    """True if a letter belongs to a script without capitals: ideographs, kana, hangul, Thai, Arabic, ..."""
    return unicodedata.category(letter) == "Lo"


def _spelt(date: str) -> set[str]:
    """Common spellings of a DICOM date."""
    if not re.fullmatch(r"\d{8}", date):
        return {date} if date else set()
    year, month, day = date[:4], date[4:6], date[6:]
    orders = [(year, month, day), (day, month, year), (month, day, year)]
    return {date} | {sign.join(order) for order in orders for sign in ("-", ".", "/", "")}
