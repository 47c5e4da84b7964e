"""Hashes of a study's data by their role, without names: enough to recognise the data, too little to name a patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.cohort.case_files import Case
from radstudy.cohort.manifest import read_cohort
from radstudy.cohort.reading import record_files
from radstudy.errors import DataError
from radstudy.formats.acquisition import acquisition_of, sidecar_path
from radstudy.formats.reading import digests_of, files_of, hash_of
from radstudy.imaging.masks.formats import files_of_mask
from radstudy.protocol import Protocol
from radstudy.steps.run import in_parallel
from radstudy.steps.volumes import volume_tasks
from radstudy.store import content_hash, file_hash

_NAMED = 10  # files that an error lists before it counts the others
Known = Mapping[Path, str]


@dataclass(frozen=True)
class DataHashes:
    """The content of a study's data.

    Parameters
    ----------
    tables : role of a table or settings file, such as "cohort table", to the hash of its content.
    images : role, such as "image, T2WI" or "mask, T2WI, reader1", to the sorted hashes of all files with that role.
    """

    tables: Mapping[str, str]
    images: Mapping[str, tuple[str, ...]]

    @property
    def cohort_hash(self) -> str:
        """One hash of all data of the study."""
        return content_hash(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """The hashes as the bundle holds them."""
        return {"tables": dict(self.tables), "images": {role: list(hashes) for role, hashes in self.images.items()}}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> DataHashes:
        """The hashes that a bundle holds."""
        images = {str(role): tuple(map(str, hashes)) for role, hashes in content["images"].items()}
        return cls({str(role): str(content_) for role, content_ in content["tables"].items()}, images)


@dataclass(frozen=True)
class DataFile:
    """A file of the data, its role and the hash of its content."""

    file: Path
    role: str
    content: str
    table: bool


def data_hashes(files: Iterable[DataFile]) -> DataHashes:
    """The hashes of files of data, without their names."""
    listed = list(files)
    roles = sorted({one.role for one in listed if not one.table})
    images = {role: tuple(sorted(one.content for one in listed if one.role == role)) for role in roles}
    return DataHashes({one.role: one.content for one in listed if one.table}, images)


def data_files(
    protocol: Protocol, data: Path, cases: Sequence[Case], *, known: Known | None = None, jobs: int = 1
) -> list[DataFile]:
    """Every file that a study reads, with its hash.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    cases : lesions on sequences, with their files.
    known : hashes that are already known; the other files are read.
    jobs : processes that read.
    """
    tables = [
        DataFile(file, role, file_hash(file), table=True) for role, file in _tables(protocol, data) if file.is_file()
    ]
    images = dict(_images(protocol, cases))
    places = list(images)
    hashes: dict[Path, str] = {}
    tasks = [(file, role.startswith("mask"), known or {}) for file, role in images.items()]
    for index, content in in_parallel(_content, tasks, jobs, doing="hashes of the data"):
        hashes[places[index]] = str(content)
    data_of_images = [DataFile(file, role, hashes[file], table=False) for file, role in images.items()]
    return [*tables, *data_of_images, *_scanners(protocol, cases)]


def _scanners(protocol: Protocol, cases: Sequence[Case]) -> Iterator[DataFile]:
    """Each image's scanner as the import recorded it, if scanners are the study's sites."""
    if protocol.cohort.scanner_site is None:
        return
    for image, sequence in {case.image: case.sequence for case in cases}.items():
        acquisition = acquisition_of(image, patient="", sequence=sequence)
        if acquisition is not None:
            scanner = [acquisition.manufacturer, acquisition.model, acquisition.field_strength_t]
            yield DataFile(sidecar_path(image), f"scanner, {sequence}", content_hash(scanner), table=False)


def _tables(protocol: Protocol, data: Path) -> Iterator[tuple[str, Path]]:
    yield "cohort table", data / protocol.cohort.table
    if protocol.features is not None:
        for place, name in enumerate(protocol.features.files(), 1):
            yield f"feature table {place}", data / name
    elif protocol.extract.params is not None:
        yield "parameter file", data / protocol.extract.params
    for file in record_files(protocol, data):
        yield f"reading, {file.name}", file


def _images(protocol: Protocol, cases: Sequence[Case]) -> Iterator[tuple[Path, str]]:
    for task in volume_tasks(cases, protocol.reader):
        yield task.image, f"image, {task.sequence}"
        if task.reference is not None:
            yield task.reference, "mask of the reference tissue"
        for drawing in task.drawings:
            on = task.sequence if drawing.transfer is None else drawing.transfer.sequence
            yield drawing.mask, f"mask, {on}, {drawing.reader}"


def _content(task: tuple[Path, bool, Known]) -> str:
    """The hash of an image or mask."""
    file, is_mask, known = task
    parts: Callable[[Path], tuple[Path, ...]] = files_of_mask if is_mask else files_of
    if file in known and parts(file) == (file,):
        return known[file]
    return hash_of(digests_of(file, parts))


# --- another folder of data ----------------------------------------------------------------------------------------


def refuse_other_data(recorded: DataHashes, protocol: Protocol, data: Path, *, jobs: int = 1) -> None:
    """Refuse data that are not those of the recorded run.

    Parameters
    ----------
    recorded : the hashes of the bundle.
    protocol : the bundle's study file.
    data : the folder of data to compare.
    jobs : processes that read it.

    Raises
    ------
    DataError : a file differs, is missing or is new; the message names the files of this folder.
    """
    own = _own_tables(recorded, protocol, data)
    differing = own or _differing(recorded, data_files(protocol, data, read_cohort(protocol, data).cases, jobs=jobs))
    if not differing:
        return
    listed = [f"  {line}" for line in differing[:_NAMED]]
    listed += [f"  and {len(differing) - _NAMED} more"] if len(differing) > _NAMED else []
    said = "\n".join(listed)
    raise DataError(
        f"the data in {data} are not those that the bundle was made from, so the numbers would differ:\n{said}\n"
        "To do: name the folder with the same data (--data); to run the study on these data all the same, add "
        "--other-data"
    )


def _own_tables(recorded: DataHashes, protocol: Protocol, data: Path) -> list[str]:
    """Tables that are missing or differ: they decide which images are read."""
    own = dict(_tables(protocol, data))
    lines = []
    for role, content in recorded.tables.items():
        file = own.get(role)
        if file is None or not file.is_file():
            lines.append(f"{role}: {file or 'the file'} is missing")
        elif file_hash(file) != content:
            lines.append(f"{role}: {file} has another content")
    return lines + [f"{role}: {file} is new" for role, file in own.items()
                    if file.is_file() and role not in recorded.tables]  # fmt: skip


def _differing(recorded: DataHashes, files: Iterable[DataFile]) -> list[str]:
    """Files whose content was not recorded under their role, and roles that lack recorded files."""
    left = {role: Counter(hashes) for role, hashes in recorded.images.items()}
    lines = []
    for one in (file for file in files if not file.table):
        if left.get(one.role, Counter())[one.content] > 0:
            left[one.role][one.content] -= 1
        else:
            lines.append(f"{one.role}: {one.file} has another content, or is new")
    missing = {role: sum(counts.values()) for role, counts in left.items()}
    return lines + [f"{role}: {count} recorded file{'s' if count > 1 else ''} not in this folder"
                    for role, count in missing.items() if count]  # fmt: skip
