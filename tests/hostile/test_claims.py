"""Files that claim more than they hold, or hold more than they show: refused before they fill the memory."""

import gzip
import io
import json
import zipfile

import nibabel as nib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hostile.format_kinds import feature_table, signature, study, workbook
from hostile.sandbox import Sandbox

MB = 1 << 20


def nifti_header(shape, dtype=np.int16):
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_zooms((1.0, 1.0, 1.0))
    header.set_sform(np.eye(4), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    return header.binaryblock + bytes(4)


def zeros(times):
    return gzip.compress(bytes(100 * MB), 1, mtime=0) * times


def nrrd(sizes, encoding, content):
    lines = ["NRRD0004", "type: short", "dimension: 3", "space: left-posterior-superior", f"sizes: {sizes}",
             "space directions: (1,0,0) (0,1,0) (0,0,1)", "kinds: domain domain domain", "endian: little",
             f"encoding: {encoding}", "space origin: (0,0,0)", "", ""]  # fmt: skip
    return "\n".join(lines).encode() + content


def far_cell():
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(workbook(feature_table())))
    book.active["XFD1048576"] = 1
    memory = io.BytesIO()
    book.save(memory)
    return memory.getvalue()


def inflated(part, before, filling, times):
    """A workbook one part of which is filled up."""
    memory = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(feature_table()))) as old,
        zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name != part:
                new.writestr(name, content)
                continue
            at = content.index(before)
            with new.open(name, "w", force_zip64=True) as stream:
                stream.write(content[:at])
                for _ in range(times):
                    stream.write(filling)
                stream.write(content[at:])
    return memory.getvalue()


def many_rows():
    memory = io.BytesIO()
    pq.write_table(pa.table({"patient_id": pa.nulls(400_000_000)}), memory)
    return memory.getvalue()


ALIASES = "\n".join(
    ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)
ROW = b'<row r="30"><c r="A30" t="inlineStr"><is><t>' + b"x" * MB + b"</t></is></c></row>"
CLAIMS = {
    "nii: a header alone that asks for 600 x 600 x 300": ("nii", "a.nii", lambda: nifti_header((600, 600, 300))),
    "niigz: 4 MB that unpack to 4.6 GB, as the header says": (
        "niigz", "a.nii.gz", lambda: gzip.compress(nifti_header((1024, 1024, 2200)), mtime=0) + zeros(44)),
    "niigz: 2 MB that unpack to 2 GB, of which the header says nothing": (
        "niigz", "a.nii.gz", lambda: gzip.compress(nifti_header((10, 10, 10)), mtime=0) + zeros(20)),
    "nrrd: gzip that unpacks to more than the header says": (
        "nrrd", "a.nrrd", lambda: nrrd("10 10 10", "gzip", zeros(12))),
    "nrrd: text that is not there": ("nrrd", "a.nrrd", lambda: nrrd("600 600 300", "ascii", b"1 2 3")),
    "nrrd: a header alone that asks for 300 TB": ("nrrd", "a.nrrd", lambda: nrrd("60000 60000 40000", "raw", b"")),
    "fxlsx: 1.2 GB in a sheet": (
        "fxlsx", "feat.xlsx", lambda: inflated("xl/worksheets/sheet1.xml", b"</sheetData>", ROW, 1200)),
    "fxlsx: 400 MB of styles": ("fxlsx", "feat.xlsx", lambda: inflated("xl/styles.xml", b"<fonts", b" " * MB, 400)),
    "fxlsx: 45 million empty rows": (
        "fxlsx", "feat.xlsx", lambda: inflated("xl/worksheets/sheet1.xml", b"</sheetData>", b"<row/>" * 100_000, 450)),
    "fxlsx: a cell at XFD1048576": ("fxlsx", "feat.xlsx", far_cell),
    "fcsv: a cell of 40 MB": ("fcsv", "feat.csv", lambda: b"patient_id,T2_f0\nP000," + b"1" * (40 * MB) + b"\n"),
    "fpq: 400 million rows in a few kilobytes": ("fpq", "feat.parquet", many_rows),
    "yaml: aliases that multiply": ("yaml", "study.yaml", (study() + ALIASES + "\n").encode),
    "yaml: a list within itself": ("yaml", "study.yaml", (study() + "z: &z [*z]\n").encode),
    "yaml: 5,000 brackets": ("yaml", "study.yaml", (study() + f"z: {'[' * 5000}{']' * 5000}\n").encode),
    "yaml: 5,000 dashes": ("yaml", "study.yaml", (study() + f"z:\n  {'- ' * 5000}1\n").encode),
    "params: aliases that multiply": ("params", "params.yaml", f"{ALIASES}\nsetting: {{binWidth: *a8}}".encode),
    "sig: 100,000 brackets": (
        "sig", "signature.json", lambda: signature()[:-1] + b', "z": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "sig: half a character": (
        "sig", "signature.json", lambda: json.dumps(json.loads(signature()) | {"study": "\ud800"}).encode()),
}  # fmt: skip


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as started:
        yield started


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_file_claims_is_checked_before_memory_is_asked_for(tmp_path, sandbox, name):
    kind, called, make = CLAIMS[name]
    (tmp_path / called).write_bytes(make())
    outcome = sandbox.run(kind, tmp_path / called)
    assert outcome.ending == "error", (
        f"{outcome.ending} {outcome.memory_mb:.0f} MB {outcome.seconds:.1f} s\n{outcome.detail}"
    )
