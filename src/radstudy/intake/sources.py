"""Sources of DICOM objects: a folder, a ZIP file, a DICOMDIR. Read-only, one object at a time."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from radstudy.bounds import OBJECT
from radstudy.errors import DataError, UsageError
from radstudy.formats.dicom_file import START, UnreadableError, begins_as_dicom, open_dataset
from radstudy.formats.dicom_values import value_of

_STEP = 1 << 20
_PASSWORD = 1  # bit of a ZIP member's flags
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz")


@dataclass(frozen=True)
class Found:
    """One file of a source: its name there, and its size in bytes."""

    name: str
    size: int


class Source(Protocol):
    """Objects by name. A name may contain a patient's name, so it is written only to the private folder."""

    problems: list[str]

    def files(self) -> list[Found]:
        """List all files, in a fixed order."""
        ...

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file for reading."""
        ...

    def beginning(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file to read its beginning, as far as possible, without any check."""
        ...


@dataclass
class Folder:
    """All files below a folder, or with `only`, those with these names."""

    path: Path
    problems: list[str] = field(default_factory=list)
    only: tuple[str, ...] | None = None

    def files(self) -> list[Found]:
        """List all files below the folder; links to folders are not followed."""
        if self.only is not None:
            return [Found(name, (self.path / name).stat().st_size) for name in self.only]
        entries = []
        for place, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                file = Path(place) / name
                if name.upper() != "DICOMDIR" and file.is_file():
                    entries.append(Found(file.relative_to(self.path).as_posix(), file.stat().st_size))
        return entries

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file for reading."""
        return cast(BinaryIO, (self.path / name).open("rb"))

    def beginning(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file for reading: files on the disk are not checked as a whole."""
        return self.open(name)


@dataclass
class Zip:
    """All members of a ZIP file, read without unpacking it to the disk.

    Members are distinguished by their position in the archive, since several may have the same name. A member is read
    completely, and its checksum compared, before any of it is used.
    """

    path: Path
    problems: list[str] = field(default_factory=list)
    _archive: zipfile.ZipFile | None = None
    _members: dict[str, zipfile.ZipInfo] = field(default_factory=dict)

    def files(self) -> list[Found]:
        """List all members that are files; if several have the same name, the second is called NAME (2), and so on."""
        self._members = {}
        for member in self._zip().infolist():
            name = member.filename
            if not name.endswith("/") and name.rpartition("/")[2].upper() != "DICOMDIR":
                self._members[self._free(name)] = member
        inner = [name for name in self._members if name.lower().endswith(_ARCHIVES)]
        if inner:
            self.problems.append(
                f"{len(inner)} archive(s) inside the ZIP file are not opened. To do: unpack them and import the folder"
            )
        return [Found(name, member.file_size) for name, member in self._members.items()]

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._members:
            number += 1
            free = f"{name} ({number})"
        return free

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a member; one that is DICOM or a segmentation is read completely first.

        Raises
        ------
        UnreadableError : it is damaged, has a password, or is larger than is allowed.
        """
        member = self._members[name]
        if member.flag_bits & _PASSWORD:
            raise UnreadableError("it has a password")
        if problem := OBJECT.exceeded(member.file_size):
            raise UnreadableError(f"{problem}; {OBJECT.remedy}")
        try:
            with self._zip().open(member) as opened:
                parts = [opened.read(START)]
                if begins_as_dicom(parts[0]) or name.lower().endswith(".nrrd"):
                    while part := opened.read(_STEP):
                        parts.append(part)
                return io.BytesIO(b"".join(parts))
        except Exception as error:  # in the archive's format, compression or checksum
            raise UnreadableError(f"it is damaged in the ZIP file ({type(error).__name__})") from error

    def beginning(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a member as far as it can be decompressed, regardless of its checksum."""
        opened = self._zip().open(self._members[name])
        opened._expected_crc = None  # type: ignore[attr-defined]
        return cast(AbstractContextManager[BinaryIO], opened)

    def _zip(self) -> zipfile.ZipFile:
        if self._archive is None:
            try:
                self._archive = zipfile.ZipFile(self.path)
            except Exception as error:  # its directory may hold anything
                raise DataError(
                    f"{self.path}: it is not a ZIP file, or is cut off ({type(error).__name__}). To do: copy it again"
                ) from error
            members = self._archive.infolist()
            if members and all(member.flag_bits & _PASSWORD or member.filename.endswith("/") for member in members):
                raise DataError(f"{self.path}: the ZIP file has a password. To do: unpack it and import the folder")
        return self._archive


@dataclass
class Dicomdir:
    """The files listed in a DICOMDIR; missing ones are reported."""

    path: Path
    problems: list[str] = field(default_factory=list)

    def files(self) -> list[Found]:
        """List the files of all records, and unlisted DICOM files in the same folders."""
        listed, missing = set[Path](), 0
        for parts in self._listed():
            file = _without_case(self.path.parent, parts)
            if file is None:
                missing += 1
            else:
                listed.add(file)
        entries = [Found(file.relative_to(self.path.parent).as_posix(), file.stat().st_size) for file in sorted(listed)]
        if missing:
            self.problems.append(
                f"the DICOMDIR lists {missing + len(entries)} files, {missing} of them are missing. To do: copy the "
                f"medium again; the other files are imported, and series that lack slices are reported"
            )
        return entries + self._unlisted(listed)

    def _unlisted(self, listed: set[Path]) -> list[Found]:
        """List DICOM files of the medium that no record names, in the folders of listed files; these are used too."""
        folders = {file.parent for file in listed}
        others = [self.path.parent / one.name for one in Folder(self.path.parent).files()]
        others = [file for file in others if file not in listed and _begins(file)]
        beside = [file for file in others if file.parent in folders]
        if beside:
            self.problems.append(
                f"{len(beside)} DICOM file(s) are in the folders of the DICOMDIR, which does not list them: it is "
                "damaged or older. They are imported too. To do: check whether all are wanted"
            )
        if len(others) > len(beside):
            self.problems.append(
                f"{len(others) - len(beside)} DICOM file(s) are next to the DICOMDIR in folders that it does not list, "
                "and are not imported. To do: import the folder instead if they are wanted"
            )
        return [Found(file.relative_to(self.path.parent).as_posix(), file.stat().st_size) for file in beside]

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file for reading."""
        return cast(BinaryIO, (self.path.parent / name).open("rb"))

    def beginning(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file for reading: files on the disk are not checked as a whole."""
        return self.open(name)

    def _listed(self) -> Iterator[tuple[str, ...]]:
        from pydicom.errors import InvalidDicomError

        try:
            with self.path.open("rb") as file:
                records = value_of(open_dataset(file), "DirectoryRecordSequence") or []
            names = [value_of(record, "ReferencedFileID") for record in records]
        except (InvalidDicomError, OSError, UnreadableError) as error:
            raise DataError(
                f"{self.path}: it is not a DICOMDIR, or is damaged ({error}). To do: import its folder instead"
            ) from error
        if not names:
            raise DataError(f"{self.path}: it lists no file. To do: import its folder instead")
        for name in names:
            if name:
                yield (name,) if isinstance(name, str) else tuple(str(part) for part in name)


def _without_case(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Find the file of a DICOMDIR's record: media often use lower case although the record says upper."""
    if any(part in ("", ".", "..") or set(part) & set("/\\\0") for part in parts):
        return None
    for spelt in (parts, tuple(p.lower() for p in parts), tuple(p.upper() for p in parts)):
        file = folder.joinpath(*spelt)
        if file.is_file():
            return file
    return None


def _begins(file: Path) -> bool:
    """True if a file begins like DICOM."""
    try:
        with file.open("rb") as opened:
            return begins_as_dicom(opened.read(START))
    except OSError:
        return False


def open_source(where: str) -> Source:
    """Return the source at a path.

    Raises
    ------
    UsageError : there is nothing at the path.
    """
    path = Path(where)
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise UsageError(
            f"{where}: no such folder or file. To do: give a folder, a .zip, a DICOMDIR, "
            "https://.../dicom-web or dimse://AET@host:port"
        )
    if path.name.upper() == "DICOMDIR":
        return Dicomdir(path)
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return Zip(path)
    raise UsageError(f"{where}: it is not a folder, .zip or DICOMDIR. To do: give the folder that holds the files")
