"""Kinds of DICOM: images of every storage, ZIP files and media of them, segmentations and structure sets.

An image is damaged in the middle of an import of two patients. What may come of it: everything as it was; or a word on
it, and no volume under its role that is not as it was. Pixels alone may differ, in the slice that was damaged.
"""

from __future__ import annotations

import csv
import importlib
import json
import random as of_python
import shutil
import struct
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from unittest import mock

import nibabel
import numpy as np
from pydicom.uid import RLELossless

from hostile import mutate
from hostile.kinds import Kind, register
from hostile.sandbox import EndedError, command
from unit.intake import synthetic

TABLES = ("series.csv", "review.csv", "cohort.csv", "review.html")
OTHER = "OTHER-1"
for _module in (  # what the commands import when they run, imported once here: forks begin with it
    "pydicom.pixels", "pydicom.encaps", "radstudy.intake.run", "radstudy.intake.pull", "radstudy.imaging.masks.write",
    "radstudy.imaging.masks.contours", "radstudy.formats.rtstruct", "radstudy.formats.dicom_seg", "jinja2", "PIL.Image",
):  # fmt: skip
    importlib.import_module(_module)


# --- good files --------------------------------------------------------------------------------------------------


def t2() -> synthetic.Scan:
    """Four slices."""
    return synthetic.t2(slices=4)


def write_other(folder: Path) -> None:
    """A second patient, in a folder of its own."""
    synthetic.write(
        folder / "other", synthetic.t2(patient=OTHER, name="DOE^JANE", birth="19700101", number=9, slices=4)
    )


def write_study(folder: Path) -> None:
    """A patient with a T2 and two phases of a dynamic scan; and the second patient."""
    synthetic.write(folder / "DICOM", t2(), synthetic.dynamic(2, slices=4))
    write_other(folder)


def write_run_lengths(folder: Path) -> None:
    """The same, the T2 compressed by run lengths."""
    write_study(folder)
    for file in (folder / "DICOM").iterdir():
        dataset = synthetic.read(file)
        if dataset.SeriesNumber == 3:
            dataset.compress(RLELossless, generate_instance_uid=False)
            dataset.save_as(file)


def write_enhanced(folder: Path) -> None:
    """The dynamic scan, the second patient, and a T2 as one enhanced object."""
    synthetic.write(folder / "DICOM", synthetic.dynamic(2, slices=4))
    write_other(folder)
    scan = synthetic.t2(slices=4, number=5)
    dataset = synthetic.enhanced(scan, [(scan.volumes[0], number) for number in range(4)], lambda *_: None)
    dataset.save_as(folder / "DICOM" / "enh.dcm", enforce_file_format=True)


def write_medium(folder: Path) -> None:
    """The study as a medium with a DICOMDIR."""
    with tempfile.TemporaryDirectory() as files:
        synthetic.write(Path(files) / "DICOM", t2(), synthetic.dynamic(2, slices=4))
        synthetic.dicomdir(sorted((Path(files) / "DICOM").iterdir()), folder)


def write_zip(folder: Path) -> None:
    """The study as a ZIP file."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as files, zipfile.ZipFile(folder / "d.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        synthetic.write(Path(files) / "DICOM", t2(), synthetic.dynamic(2, slices=4))
        for file in sorted((Path(files) / "DICOM").iterdir()):
            packed.write(file, f"DICOM/{file.name}")


@cache
def _content(write: Callable[[Path], None], pattern: str) -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return {file.name: file.read_bytes() for file in sorted(Path(folder).glob(pattern))}


# --- an import, and what may come of it --------------------------------------------------------------------------


def prepared(write: Callable[[Path], None], source: str = "") -> Callable[[Path], None]:
    """The good source in the room, the import's keys, and what the import makes of it."""

    def prepare(room: Path) -> None:
        write(room / "in")
        command("import", room / "in" / source, "--out", room / "out")
        shutil.move(room / "out.private", room / "private")

    return prepare


def import_with(place: Callable[[Path, Path], Path], *, geometry_known: bool = True) -> Callable[[Path, Path], str]:
    """Import with the damaged file put into its place; `place` gives the source."""

    def run(file: Path, room: Path) -> str:
        folder = file.parent / "import"
        source = place(file, folder)
        shutil.copytree(room / "private", folder / "out.private")
        code, said = 0, ""
        try:
            command("import", source, "--out", folder / "out")
        except EndedError as ended:
            if ended.code != 4:
                raise
            code, said = ended.code, ended.said
        whole = "holds no MR image" in said or "ZIP file" in said or "DICOMDIR" in said
        if not whole or (folder / "out" / "series.csv").exists():
            _judge(room / "out", folder / "out", code, geometry_known=geometry_known)
        skipped = folder / "out.private" / "skipped.csv"
        listed = skipped.read_text("utf-8") if skipped.is_file() else ""
        if code:
            named = whole or "damaged:" in listed or "Patient " in said
            raise EndedError(code, said + (f" [{file.name}]" if named else ""))
        return f"{len(_volumes(folder / 'out'))} volumes; {len(_asked(folder / 'out'))} to review"

    return run


def _judge(good: Path, out: Path, code: int, *, geometry_known: bool) -> None:
    """Raise an AssertionError where something is lost or changed without a word."""
    for table in TABLES:
        assert (out / table).is_file(), f"{table} was not written"
    asked = _asked(out)
    before, after = _volumes(good), _volumes(out)
    for name, volume in before.items():
        if name not in after:
            assert code or name.split("/")[0] in asked, f"{name} is gone without a word"
            continue
        was, now = nibabel.load(volume), nibabel.load(after[name])
        assert was.shape == now.shape, f"{name} has another shape: {now.shape}"
        if not geometry_known:
            continue
        assert np.allclose(was.affine, now.affine, atol=1e-4), f"{name} lies elsewhere"
        differ = (np.asarray(was.dataobj) != np.asarray(now.dataobj)).any(axis=(0, 1))
        assert differ.sum() <= 1, f"{name}: {differ.sum()} slices differ"


def _volumes(out: Path) -> dict[str, Path]:
    """The volumes under their roles, by patient."""
    return {file.relative_to(out).as_posix(): file for file in sorted(out.glob("*/*.nii.gz"))}


def _asked(out: Path) -> set[str]:
    """The patients with something to review."""
    with (out / "review.csv").open(encoding="utf-8-sig", newline="") as opened:
        return {row["patient"] for row in csv.DictReader(opened, delimiter=";" if ";" in opened.readline() else ",",
                                                         fieldnames=_header(out))}  # fmt: skip


def _header(out: Path) -> list[str]:
    first = (out / "review.csv").read_text("utf-8-sig").splitlines()[0]
    return next(csv.reader([first], delimiter=";" if ";" in first else ","))


def _in_its_place(file: Path, folder: Path, write: Callable[[Path], None]) -> Path:
    """The study with the damaged file where the one lies that it was made of."""
    write(folder / "in")
    own = folder / "in" / "DICOM" / file.name
    if not own.is_file():
        raw = file.read_bytes()
        own = max((folder / "in" / "DICOM").iterdir(), key=lambda other: _in_common(other.read_bytes(), raw))
    shutil.copyfile(file, own)
    return folder / "in"


def _in_common(one: bytes, other: bytes) -> int:
    size = min(len(one), len(other))
    a, b = np.frombuffer(one[:size], np.uint8), np.frombuffer(other[:size], np.uint8)
    c, d = np.frombuffer(one[-size:], np.uint8)[::-1], np.frombuffer(other[-size:], np.uint8)[::-1]
    return int(np.argmin([*(a == b), False])) + int(np.argmin([*(c == d), False]))


def _enhanced(file: Path, folder: Path) -> Path:
    write_enhanced(folder / "in")
    shutil.copyfile(file, folder / "in" / "DICOM" / "enh.dcm")
    return folder / "in"


def _medium(file: Path, folder: Path) -> Path:
    write_medium(folder / "in")
    shutil.copyfile(file, folder / "in" / "DICOMDIR")
    return folder / "in" / "DICOMDIR"


# --- segmentations and structure sets ----------------------------------------------------------------------------


def _series(folder: Path) -> object:
    """An oblique series of a patient P1, with UIDs that are always the same."""
    from unit.imaging.masks.conftest import Series

    numbers = of_python.Random(5)
    with mock.patch("uuid.uuid4", lambda: uuid.UUID(int=numbers.getrandbits(128))):
        return Series(folder)


def beside_masks(room: Path) -> None:
    """The series, as files and as an image."""
    _series(room / "series").volume.write(room / "image.nii.gz")
    command("import", room / "series", "--out", room / "out")
    shutil.move(room / "out.private", room / "private")


@cache
def drawn(name: str) -> Mapping[str, bytes]:
    """A good structure set, or segmentation, of two regions."""
    from radstudy.imaging.masks.write import write_rois
    from radstudy.imaging.roi import Roi

    numbers = of_python.Random(6)
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("uuid.uuid4", lambda: uuid.UUID(int=numbers.getrandbits(128))),
    ):
        series = _series(Path(folder) / "series")
        first, second = series.roi(), series.roi(4)
        rois = [first, Roi(second.mask, second.affine, "fat")]
        file = Path(folder) / name
        if "rt" in name:
            series.draw(file, rois)
        else:
            write_rois(file, rois, dicom=Path(folder) / "series")
        return {name: file.read_bytes()}


def run_drawing(file: Path, room: Path) -> str:
    """List the mask, put it onto its image, and import it beside its series: the image comes in as it was."""
    said, placed = [], 0
    for arguments in (
        ("mask", "list", file),
        ("mask", "convert", file, file.parent / "out.nii.gz", "--image", room / "image.nii.gz", "--label", "1"),
        ("mask", "convert", file, file.parent / "own.nrrd", "--image", room / "image.nii.gz", "--label", "union",
         "--resample"),
    ):  # fmt: skip
        try:
            said.append(command(*arguments))
            placed += arguments[1] == "convert"
        except EndedError as ended:
            if ended.code not in (2, 4) or file.name not in ended.said:
                raise
            refusal: EndedError | None = ended
    folder = file.parent / "import"
    shutil.copytree(room / "series", folder / "in")
    shutil.copyfile(file, folder / "in" / file.name)
    shutil.copytree(room / "private", folder / "out.private")
    code = 0
    try:
        command("import", folder / "in", "--out", folder / "out")
    except EndedError as ended:
        if ended.code != 4:
            raise
        code = 4
    _judge(room / "out", folder / "out", code, geometry_known=True)
    masks = folder / "out" / "masks.csv"
    listed = masks.read_text("utf-8-sig") if masks.is_file() else ""
    skipped = (folder / "out.private" / "skipped.csv").read_text("utf-8-sig")
    assert code or listed or file.name in skipped, "the import says nothing of the drawing"
    if not placed:
        raise refusal
    return json.dumps([*said, f"import {code}"])


# --- damage ------------------------------------------------------------------------------------------------------

_LONG = (b"OB", b"OW", b"OF", b"OD", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OL", b"OV")
_VRS = (b"UL", b"US", b"SS", b"DS", b"IS", b"SQ", b"UN", b"OB", b"LO", b"FD", b"FL", b"PN", b"DA", b"ZZ", b"\0\0")
_SYNTAXES = (
    b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99",
    b"1.2.840.10008.1.2.5", b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.4.80",
    b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.102", b"1.2.3",
)  # fmt: skip
_VALUES = (b"", b"0", b"-1", b"1e300", b"nan", b"1e999", b"\\", b"1\\2", b"\xff\xff\xff\xff", b"\0\0", b"A" * 5000,
           b"..\\..\\x", b"/etc/x", b"=1+1")  # fmt: skip


def elements(raw: bytes) -> list[tuple[int, int, int]]:
    """Where elements of explicit little endian begin, where their values do, and where they end; sequences' own too."""
    found, at = [], 132 if raw[128:132] == b"DICM" else 0
    while at + 8 <= len(raw):
        vr = raw[at + 4 : at + 6]
        if raw[at : at + 2] == b"\xfe\xff":  # an item: what is in it follows
            at += 8
            continue
        if vr in _LONG:
            value, length = at + 12, int.from_bytes(raw[at + 8 : at + 12], "little")
        elif vr.isalpha():
            value, length = at + 8, int.from_bytes(raw[at + 6 : at + 8], "little")
        else:
            break
        if vr == b"SQ" or length == 0xFFFFFFFF:
            found.append((at, value, value))
            at = value
        else:
            found.append((at, value, min(value + length, len(raw))))
            at = value + length
    return found


def by_elements(random: np.random.Generator, raw: bytes) -> bytes:
    """Delete, double, move, retype or refill an element; or name another transfer syntax; or cut within the header."""
    found = elements(raw)
    if not found:
        return mutate.by_bytes(random, raw)
    begin, value, end = found[int(random.integers(0, len(found)))]
    what = int(random.integers(0, 8))
    if what == 0:
        return raw[:begin] + raw[end:]
    if what == 1:
        return raw[:end] + raw[begin:end] + raw[end:]
    if what == 2:
        other = found[int(random.integers(0, len(found)))][0]
        without = raw[:begin] + raw[end:]
        return without[:other] + raw[begin:end] + without[other:]
    if what == 7:
        return raw[:begin]
    return _other_content(random, raw, found, (begin, value, end), what)


def _other_content(
    random: np.random.Generator, raw: bytes, found: list[tuple[int, int, int]], element: tuple[int, int, int], what: int
) -> bytes:
    """Give an element another type (3), length (4) or value (5), or the file another transfer syntax (6)."""
    begin, value, end = element
    size = len(raw[value:end])
    if what == 3:
        return raw[: begin + 4] + _VRS[int(random.integers(0, len(_VRS)))] + raw[begin + 6 :]
    if what == 4:
        width = 4 if value - begin == 12 else 2
        length = int(random.choice([0, 1, 3, 7, size + 1, size + 8, 0x7FFF, 0xFFFFFFF0, 0xFFFFFFFF]))
        return raw[: value - width] + (length % (1 << 8 * width)).to_bytes(width, "little") + raw[value:]
    if what == 5:
        return _refilled(raw, begin, value, end, _VALUES[int(random.integers(0, len(_VALUES)))])
    syntax = _SYNTAXES[int(random.integers(0, len(_SYNTAXES)))]
    named = [one for one in found if raw[one[0] : one[0] + 4] == b"\x02\x00\x10\x00"]
    return _refilled(raw, *named[0], syntax) if named else raw[:begin]


def _refilled(raw: bytes, begin: int, value: int, end: int, content: bytes) -> bytes:
    """An element with another value of even length, and the length that belongs to it."""
    content += b"\0" * (len(content) % 2)
    if value - begin == 12:
        head = raw[begin : begin + 8] + struct.pack("<I", len(content))
    else:
        head = raw[begin : begin + 6] + struct.pack("<H", len(content))
    return raw[:begin] + head + content + raw[end:]


mutate._PLAIN["dicom"] = by_elements


# --- the kinds ---------------------------------------------------------------------------------------------------

_BOTH = ("bytes", "dicom")
register(Kind("dicom", import_with(lambda file, folder: _in_its_place(file, folder, write_study)),
              prepared(write_study), lambda: _content(write_study, "DICOM/*"), _BOTH))  # fmt: skip
register(Kind("rle", import_with(lambda file, folder: _in_its_place(file, folder, write_run_lengths)),
              prepared(write_run_lengths), lambda: _content(write_run_lengths, "DICOM/*"), _BOTH))  # fmt: skip
register(Kind("enh", import_with(_enhanced, geometry_known=False), prepared(write_enhanced),
              lambda: _content(write_enhanced, "DICOM/enh.dcm"), _BOTH))  # fmt: skip
register(Kind("zip", import_with(lambda file, folder: file), prepared(write_zip, "d.zip"),
              lambda: _content(write_zip, "d.zip"), ("bytes", "zip:bytes", "zip:dicom")))  # fmt: skip
register(Kind("dicomdir", import_with(_medium), prepared(write_medium, "DICOMDIR"),
              lambda: _content(write_medium, "DICOMDIR"), _BOTH))  # fmt: skip
register(Kind("rt", run_drawing, beside_masks, lambda: drawn("m_rt.dcm"), _BOTH))
for _name in ("seg", "segno"):
    register(Kind(_name, run_drawing, beside_masks, lambda: drawn("m_seg.dcm"), _BOTH))
