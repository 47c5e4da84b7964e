"""Identity checks among the patients of an import: PatientIDs that identify no one, one person under two PatientIDs.

Only the import sees names and birth dates, so only it can check this. The result is written to OUT/identities.json,
with pseudonyms only; PRIVATE/persons.json keeps keyed marks of name and birth date for later imports.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path

from radstudy.formats.dicom_header import DicomIdentity
from radstudy.intake.index import ImportedPatient, Index
from radstudy.intake.pseudonyms import Pseudonyms
from radstudy.intake.remembered import remembered
from radstudy.store import read_json, write_json

FILE = "identities.json"
# No digits except zeros: ANON0017 and PATIENT-3 are typical numbers of patients in an anonymised collection.
_NOBODY = re.compile(
    r"(ANON|UNKNOWN|UNBEKANNT|INCONNU|SCONOSCIUT|DESCONOCID)[A-Z]*|NO ?NAME|REMOVED|DELETED|DE ?IDENTIFIED|DUMMY|TEST"
    r"|PATIENT|NONE|NULL|NIL|N ?/? ?A|NOT ?AVAILABLE|X+|0+|匿名|未知|不详|無名",
    re.IGNORECASE,
)
_NO_BIRTH = {"", "19000101", "19000000", "00010101", "18000101", "19010101"}


@dataclass(frozen=True)
class Persons:
    """Result of the identity checks, by pseudonyms.

    Parameters
    ----------
    patients : all patients of the imports into this folder.
    compared : of these, those with a name and a birth date; the others cannot be compared.
    same_person : pairs with the same name and birth date under two PatientIDs.
    without_patient_id : patients whose PatientID is empty or identifies no one (ANONYMOUS): one per examination.
    """

    patients: tuple[str, ...]
    compared: tuple[str, ...]
    same_person: tuple[tuple[str, str], ...]
    without_patient_id: tuple[str, ...]


def names_nobody(text: str) -> bool:
    """True if a PatientID or a name identifies no one: empty, ANONYMOUS, unknown, 0 and similar.

    Examples
    --------
    >>> [names_nobody(text) for text in ("", "ANONYMOUS", "anon^", "0", "HOSP-4711", "ANON0017", "Anonda^Maria", "100")]
    [True, True, True, True, False, False, False, False]
    """
    plain = " ".join(re.split(r"[\s^=_\-.,]+", text)).strip()
    return not plain or _NOBODY.fullmatch(plain) is not None


def split_nobodies(index: Index, known: Callable[[tuple[str, str]], bool]) -> None:
    """Make every examination under a PatientID that identifies no one a separate patient: they may be different people.

    Parameters
    ----------
    index : index of the source; changed in place.
    known : True if an earlier import has given an identifier a pseudonym; a single examination keeps it.
    """
    for identifier, patient in list(index.patients.items()):
        studies = {identity.study_uid for identity in patient.identities}
        if not identifier[0] or not names_nobody(identifier[0]) or (len(studies) == 1 and known(identifier)):
            continue
        del index.patients[identifier]
        for study in sorted(studies):
            own = ImportedPatient(("", f"study {study}"))
            own.identities = {identity for identity in patient.identities if identity.study_uid == study}
            own.drawings = [drawing for drawing in patient.drawings if drawing.identity.study_uid == study]
            if study in patient.examinations:
                own.examinations[study] = patient.examinations[study]
            index.patients[own.identifier] = own


def compare_persons(
    patients: Iterable[ImportedPatient], pseudonyms: Pseudonyms, private: Path, *, keep: bool
) -> Persons:
    """Find persons with two PatientIDs, among these patients and those of earlier imports.

    Parameters
    ----------
    patients : patients of this import.
    pseudonyms : table of the import.
    private : private folder of the import.
    keep : write the marks there, for later imports.
    """
    file = private / "persons.json"
    marks: dict[str, list[str]] = remembered(
        file, dict, "one person under two PatientIDs is not recognised if an earlier import had one of them"
    )
    nameless = set(marks.pop("", []))
    for patient in patients:
        name = pseudonyms.of(patient.identifier)
        own = {pseudonyms.mark("person", *who) for identity in patient.identities if (who := _who(identity))}
        marks[name] = sorted({*marks.get(name, []), *own})
        nameless |= {name} if names_nobody(patient.identifier[0]) else set()
    if keep:
        write_json(file, {**marks, "": sorted(nameless)}, private=True)
    by_mark: dict[str, set[str]] = defaultdict(set)
    for name, own_marks in marks.items():
        for mark in own_marks:
            by_mark[mark].add(name)
    pairs = {pair for names in by_mark.values() for pair in combinations(sorted(names), 2)}
    compared = tuple(sorted(name for name, own_marks in marks.items() if own_marks))
    return Persons(tuple(sorted(marks)), compared, tuple(sorted(pairs)), tuple(sorted(nameless & set(marks))))


def write_persons(persons: Persons, out: Path) -> None:
    """Write OUT/identities.json, which the study's check for patients under two identifiers reads."""
    write_json(out / FILE, asdict(persons))


def read_persons(file: Path) -> Persons:
    """Read an identities.json.

    Raises
    ------
    OSError, ValueError, TypeError : it cannot be read, or is not such a file.
    """
    content = read_json(file)
    wanted = {field.name for field in fields(Persons)}
    if not isinstance(content, dict) or not wanted <= set(content):
        raise ValueError(f"it does not hold {', '.join(sorted(wanted))}")
    patients, compared, nameless = (
        tuple(map(str, content[name])) for name in ("patients", "compared", "without_patient_id")
    )
    return Persons(patients, compared, tuple((str(one), str(other)) for one, other in content["same_person"]), nameless)


def warnings_on(persons: Persons, here: set[str]) -> list[str]:
    """Warnings for the user from the identity checks, for patients of this import only."""
    warnings = [
        f"patients {one} and {other} have the same name and birth date under two PatientIDs. If they are the same "
        "person, she is in the study twice, perhaps in training and in testing. To do: compare them in the table of "
        "pseudonyms; correct the PatientID in the PACS and import again, or leave one of them out of cohort.csv"
        for one, other in persons.same_person
        if {one, other} & here
    ]
    nameless = [name for name in persons.without_patient_id if name in here]
    if nameless:
        warnings.append(
            f"{len(nameless)} examination(s) have no PatientID that identifies a person (empty, ANONYMOUS, unknown, 0 "
            f"...): each is a separate patient ({', '.join(nameless[:8])}{' ...' if len(nameless) > 8 else ''}). "
            "To do: make sure that no two of them are the same person; the program cannot check this"
        )
    return warnings


def _who(identity: DicomIdentity) -> tuple[str, ...]:
    """Birth date and the words of family and given name, normalised for spelling; empty if one is absent."""
    birth = re.sub(r"\D", "", identity.birth_date)
    name = next(filter(None, identity.name.split("=")), "")
    if birth in _NO_BIRTH or names_nobody(name):
        return ()
    letters = unicodedata.normalize("NFKD", " ".join(name.split("^")[:2])).upper()
    words = re.findall(r"\w+", "".join(letter for letter in letters if not unicodedata.combining(letter)))
    return (birth, *sorted(words)) if words else ()
