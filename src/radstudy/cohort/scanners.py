"""The site of each patient, if sites are scanners: what the import recorded beside the patient's images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.cohort.case_files import file_of
from radstudy.errors import CaseError
from radstudy.formats.acquisition import acquisition_of, sidecar_path
from radstudy.protocol.sections import Protocol
from radstudy.protocol.site import SCANNER_FIELDS, ScannerSite
from radstudy.protocol.words import listed
from radstudy.table import each_lesion

_TAGS = {"manufacturer": "Manufacturer", "model": "ManufacturerModelName", "field_strength_t": "MagneticFieldStrength"}
# Headers give the nominal strength or the exact one (1.494 for 1.5 T, 2.8936 for 3 T).
_NOMINAL_T = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.55, 0.6, 0.7, 1.0, 1.2, 1.5, 3.0, 4.7, 7.0, 9.4)
_NEAR = 0.04  # of the nominal strength; the ranges around two of them do not touch
_STRONGEST_T = 25.0
_COLUMN = "give the site as a column of the cohort table (cohort.site: COLUMN)"

Images = Mapping[str, Mapping[str, Sequence[Path]]]  # patient to sequence to the images that exist


@dataclass(frozen=True)
class ScannerSites:
    """The sites of a cohort.

    Parameters
    ----------
    names : one per row of the cohort; "" for a patient without any image.
    problems : patients whose scanner is not known, or not one.
    note : the scanners and the patients of each, for the report.
    """

    names: list[str]
    problems: list[str]
    note: str


def sites_by_scanner(protocol: Protocol, site: ScannerSite, kept: pd.DataFrame, folder: Path) -> ScannerSites:
    """Read the scanner of every patient from the JSON beside the images; nothing is guessed.

    Two spellings of one scanner, which differ in case or spaces, are one site, under its most frequent spelling.

    Parameters
    ----------
    protocol, site : of the study file.
    kept : rows of the cohort table, indexed (patient, lesion).
    folder : folder that relative paths of the study file start from.
    """
    problems: list[str] = []
    known: dict[str, str] = {}
    for patient, images in images_by_patient(protocol, kept, folder).items():
        try:
            if any(images.values()):
                known[patient] = _one_scanner(patient, images, site)
        except CaseError as error:
            problems.append(str(error))
    names = _one_spelling(known)
    counts = Counter(names.values())
    told = "; ".join(f"{name} ({count} patient{'' if count == 1 else 's'})" for name, count in sorted(counts.items()))
    by, on = listed([SCANNER_FIELDS[name] for name in site.scanner]), f" on {site.sequence}" if site.sequence else ""
    note = f"Sites are scanners by {by}, as the import recorded them{on}: {told or 'none'}."
    patients = kept.index.get_level_values("patient")
    return ScannerSites([names.get(str(patient), "") for patient in patients], problems, note)


def images_by_patient(protocol: Protocol, kept: pd.DataFrame, folder: Path) -> dict[str, dict[str, list[Path]]]:
    """The images of each patient on each sequence that exist, each once; a sequence without one has an empty list."""
    images: dict[str, dict[str, list[Path]]] = {}
    for patient, lesion, row in each_lesion(kept):
        own = images.setdefault(patient, {sequence: [] for sequence in protocol.sequences})
        for sequence in protocol.sequences:
            names = {**{str(k): v for k, v in row.items()}, "patient": patient, "lesion": lesion, "sequence": sequence}
            try:
                image = file_of(protocol.cohort.images, names, folder)
            except CaseError:  # find_cases records it as this case's failure
                continue
            if image.exists() and image not in own[sequence]:
                own[sequence].append(image)
    return images


def _one_scanner(patient: str, images: Mapping[str, Sequence[Path]], site: ScannerSite) -> str:
    """The scanner that all images of a patient name, as the first one spells it."""
    wanted = images if site.sequence is None else {site.sequence: images[site.sequence]}
    if not any(wanted.values()):
        present = listed([sequence for sequence, files in images.items() if files])
        raise CaseError(
            f"the site is the scanner of this sequence (cohort.site), and the patient has no image of it, but of "
            f"{present}", f"name another sequence in cohort.site, leave its 'sequence' out, or {_COLUMN}",
            patient=patient, sequence=site.sequence or "",
        )  # fmt: skip
    scanners: dict[str, tuple[str, str, Path]] = {}
    for sequence, files in wanted.items():
        for image in files:
            name = _scanner_of(image, patient, sequence, site)
            scanners.setdefault(_plainly(name), (name, sequence, image))
    if len(scanners) > 1:
        each = [f"'{name}' ({sequence}, file {sidecar_path(image)})" for name, sequence, image in scanners.values()]
        chosen = f"cohort.site: {{scanner: [{', '.join(site.scanner)}], sequence: {next(iter(wanted))}}}"
        remedy = f"name the sequence that counts ({chosen}), or {_COLUMN}" if len(wanted) > 1 else _COLUMN
        raise CaseError(f"the images name {len(scanners)} scanners: {listed(each)}", remedy, patient=patient)
    return next(iter(scanners.values()))[0]


def _scanner_of(image: Path, patient: str, sequence: str, site: ScannerSite) -> str:
    """The scanner of one image as text, such as Siemens Skyra 3 T."""
    beside = sidecar_path(image)
    remedy = f"name in cohort.site the sequence whose images were imported (sequence: NAME), or {_COLUMN}"
    acquisition = acquisition_of(image, patient=patient, sequence=sequence)
    if acquisition is None:
        what = "was not written by 'radstudy import', or cannot be read" if beside.exists() else "does not exist"
        problem = f"the site is the scanner (cohort.site), and the JSON of the import beside the image {what}"
        raise CaseError(problem, remedy, patient=patient, sequence=sequence, file=beside)
    parts = {name: _part(acquisition, name) for name in site.scanner}
    for name, text in parts.items():
        if not text:
            rest = ", ".join(other for other in site.scanner if other != name)
            without = f"leave {name} out of it (scanner: [{rest}]), " if rest else ""
            problem = (
                f"the site is the scanner (cohort.site), and the import recorded no usable {SCANNER_FIELDS[name]} "
                f"({_TAGS[name]}: {_recorded(acquisition, name)})"
            )
            raise CaseError(problem, f"{without}{remedy}", patient=patient, sequence=sequence, file=beside)
    return " ".join(parts.values())


def _part(acquisition: Acquisition, name: str) -> str:
    """One field of a scanner as text; "" if it was not recorded, or is not possible."""
    if name != "field_strength_t":
        return " ".join(str(getattr(acquisition, name)).split())
    strength = acquisition.field_strength_t
    return f"{nominal_t(strength):g} T" if strength is not None and 0 < strength <= _STRONGEST_T else ""


def _recorded(acquisition: Acquisition, name: str) -> str:
    value = getattr(acquisition, name)
    return "empty" if value in (None, "") else f"{value:g}"


def nominal_t(strength: float) -> float:
    """The nominal field strength in T: the usual one within 4 %, else rounded to a hundredth.

    Examples
    --------
    >>> [nominal_t(value) for value in (1.494, 1.5, 2.8936, 0.55, 1.16, 1.1)]
    [1.5, 1.5, 3.0, 0.55, 1.2, 1.1]
    """
    near = [usual for usual in _NOMINAL_T if abs(strength - usual) <= _NEAR * usual]
    return near[0] if near else round(strength, 2)


def _one_spelling(known: Mapping[str, str]) -> dict[str, str]:
    """Patient to scanner, each scanner in its most frequent spelling; of equally frequent ones the first by letters."""
    spellings: dict[str, Counter[str]] = {}
    for name in known.values():
        spellings.setdefault(_plainly(name), Counter())[name] += 1
    chosen = {plain: min(counts, key=lambda name: (-counts[name], name)) for plain, counts in spellings.items()}
    return {patient: chosen[_plainly(name)] for patient, name in known.items()}


def _plainly(name: str) -> str:
    return name.casefold()
