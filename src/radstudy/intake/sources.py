"""Where DICOM objects lie: a folder, a ZIP file, a DICOMDIR. Read only, one object at a time."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from radstudy.errors import DataError, UsageError


@dataclass(frozen=True)
class Found:
    """One file of a source: its name there, and its size in bytes."""

    name: str
    size: int


class Source(Protocol):
    """Objects by name. A name may hold a patient's name: it goes to the private folder only."""

    problems: list[str]

    def files(self) -> list[Found]:
        """All files, in a fixed order."""
        ...

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file to read."""
        ...


@dataclass
class Folder:
    """All files below a folder; with `only`, those of these names."""

    path: Path
    problems: list[str] = field(default_factory=list)
    only: tuple[str, ...] | None = None

    def files(self) -> list[Found]:
        """All files below the folder; links to folders are not followed."""
        if self.only is not None:
            return [Found(name, (self.path / name).stat().st_size) for name in self.only]
        found = []
        for place, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                file = Path(place) / name
                if name.upper() != "DICOMDIR" and file.is_file():
                    found.append(Found(file.relative_to(self.path).as_posix(), file.stat().st_size))
        return found

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file to read."""
        return cast(BinaryIO, (self.path / name).open("rb"))


@dataclass
class Zip:
    """All members of a ZIP file, read without unpacking it to the disk."""

    path: Path
    problems: list[str] = field(default_factory=list)
    _archive: zipfile.ZipFile | None = None

    def files(self) -> list[Found]:
        """All members that are files."""
        return [
            Found(member.filename, member.file_size)
            for member in self._zip().infolist()
            if not member.is_dir() and Path(member.filename).name.upper() != "DICOMDIR"
        ]

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one member to read."""
        return cast(AbstractContextManager[BinaryIO], self._zip().open(name))

    def _zip(self) -> zipfile.ZipFile:
        if self._archive is None:
            try:
                self._archive = zipfile.ZipFile(self.path)
            except (zipfile.BadZipFile, OSError) as error:
                raise DataError(
                    f"{self.path}: it is no ZIP file, or is cut off ({error}). To do: copy it again"
                ) from error
            if any(member.flag_bits & 1 for member in self._archive.infolist()):
                raise DataError(f"{self.path}: the ZIP file has a password. To do: unpack it and import the folder")
        return self._archive


@dataclass
class Dicomdir:
    """The files that a DICOMDIR lists; those that are not there are named."""

    path: Path
    problems: list[str] = field(default_factory=list)

    def files(self) -> list[Found]:
        """The files of the image, segmentation and other records."""
        found, missing = [], 0
        for parts in self._listed():
            file = _without_case(self.path.parent, parts)
            if file is None:
                missing += 1
            else:
                found.append(Found(file.relative_to(self.path.parent).as_posix(), file.stat().st_size))
        if missing:
            self.problems.append(
                f"the DICOMDIR lists {missing + len(found)} files, {missing} of them are not there. To do: copy the "
                f"medium again; what is there is imported, and series that lack slices are named"
            )
        return found

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file to read."""
        return cast(BinaryIO, (self.path.parent / name).open("rb"))

    def _listed(self) -> Iterator[tuple[str, ...]]:
        import pydicom

        try:
            records = pydicom.dcmread(self.path).DirectoryRecordSequence
        except (pydicom.errors.InvalidDicomError, AttributeError, EOFError, OSError, ValueError) as error:
            raise DataError(
                f"{self.path}: it is no DICOMDIR ({type(error).__name__}). To do: import its folder instead"
            ) from error
        for record in records:
            name = record.get("ReferencedFileID")
            if name:
                yield (name,) if isinstance(name, str) else tuple(name)


def _without_case(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """The file of a DICOMDIR's record: media often write lower case where the record says upper."""
    for spelt in (parts, tuple(p.lower() for p in parts), tuple(p.upper() for p in parts)):
        file = folder.joinpath(*spelt)
        if ".." not in spelt and file.is_file():
            return file
    return None


def open_source(where: str) -> Source:
    """The source that a path names.

    Raises
    ------
    UsageError : there is nothing at the path.
    """
    path = Path(where)
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise UsageError(
            f"{where}: there is no such folder or file. To do: give a folder, a .zip, a DICOMDIR, "
            "https://.../dicom-web or dimse://AET@host:port"
        )
    if path.name.upper() == "DICOMDIR":
        return Dicomdir(path)
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return Zip(path)
    raise UsageError(f"{where}: it is no folder, no .zip and no DICOMDIR. To do: give the folder that the files lie in")
