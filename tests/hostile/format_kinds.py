"""Kinds other than DICOM: rasters, masks as rasters, tables, settings, the study file, a signature."""

from __future__ import annotations

import gzip
import importlib
import io
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from PIL import Image

from hostile.kinds import Kind, register
from hostile.sandbox import EndedError, command
from radstudy.imaging.volume import Volume

SHAPE = (14, 12, 9)
for _module in (  # what the commands import when they run, imported once here: forks begin with it
    "filelock", "isal.igzip", "openpyxl", "pyarrow.dataset", "pyarrow.pandas_compat", "pyarrow.parquet", "radstudy.cli",
    "radstudy.features.extract", "radstudy.imaging.masks.write", "radstudy.signature.predict", "radstudy.study",
):  # fmt: skip
    importlib.import_module(_module)


# --- good files --------------------------------------------------------------------------------------------------


def _image(dtype: type = np.int16) -> sitk.Image:
    generator = np.random.default_rng(1)
    voxels = (400 + 60 * generator.random(SHAPE[::-1])).astype(dtype)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1.0, 1.0, 2.0))
    image.SetOrigin((-10.0, -20.0, -5.0))
    return image


def _mask() -> sitk.Image:
    mask = np.zeros(SHAPE[::-1], np.uint8)
    mask[2:7, 3:9, 4:11] = 1
    image = sitk.GetImageFromArray(mask)
    image.CopyInformation(_image())
    return image


def _written(image: sitk.Image, name: str, *, compressed: bool = False) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(image, str(Path(folder) / name), useCompression=compressed)
        return (Path(folder) / name).read_bytes()


def images(name: str, *, compressed: bool = False) -> Mapping[str, bytes]:
    """A whole-number image a.EXT and a floating-point one f.EXT."""
    return {
        f"a{name}": _written(_image(), f"a{name}", compressed=compressed),
        f"f{name}": _written(_image(np.float32), f"f{name}", compressed=compressed),
    }


def beside_images(room: Path) -> None:
    """A good image and mask, the voxels of detached headers, and settings that take no time."""
    sitk.WriteImage(_image(), str(room / "image.nii.gz"))
    sitk.WriteImage(_mask(), str(room / "mask.nii.gz"))
    (room / "quick.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean, Energy]}\n")


def beside_settings(room: Path) -> None:
    """A good image and mask; the kernels of all features are compiled, which is no part of a file's time."""
    beside_images(room)
    command("extract", "--image", room / "image.nii.gz", "--mask", room / "mask.nii.gz")


def beside_masks(room: Path) -> None:
    """A good image on the grid of the masks."""
    beside_images(room)
    grid = sitk.Image(22, 18, 7, sitk.sitkInt16)
    grid = sitk.GetImageFromArray((100 + 50 * np.random.default_rng(2).random((7, 18, 22))).astype(np.int16))
    grid.SetSpacing((1.25, 1.25, 3.0))
    sitk.WriteImage(grid, str(room / "grid.nii.gz"))
    beside_pictures(room)


def beside_pictures(room: Path) -> None:
    """A good flat image with a good mask on it, and settings that take no time."""
    beside_images(room)
    sitk.WriteImage(_image()[:, :, 4:5], str(room / "flat.nii.gz"))
    Image.fromarray(_flat_mask()).save(room / "mask.png")


# --- what is run -------------------------------------------------------------------------------------------------


def run_image(file: Path, room: Path) -> str:
    """Features of one lesion in the image."""
    for detached in ("a.raw", "f.raw", "a.zraw"):
        (file.parent / detached).write_bytes(sitk.GetArrayFromImage(_image()).tobytes())
    return command("extract", "--image", file, "--mask", room / "mask.nii.gz", "--settings", room / "quick.yaml",
                   "--json")  # fmt: skip


def run_mask(file: Path, room: Path) -> str:
    """List the mask, put it onto an image's grid, and compute a feature in it."""
    listed = command("mask", "list", file)
    ends = []
    for image in ("grid.nii.gz", "image.nii.gz", "flat.nii.gz"):
        try:
            ends.append(
                command("mask", "convert", file, file.parent / f"out-{image}", "--image", room / image, "--label",
                        "union", "--resample")
            )  # fmt: skip
        except EndedError as ended:
            if ended.code == 1:
                raise
            refusal = ended
    if not ends:
        raise refusal
    return listed + "".join(ends)


def run_picture(file: Path, room: Path) -> str:
    """Features of one lesion in an image of two axes."""
    return command("extract", "--image", file, "--mask", room / "mask.png", "--settings", room / "quick.yaml",
                   "--pixel-size", "0.5", "--json")  # fmt: skip


def run_parameters(file: Path, room: Path) -> str:
    """Features of one lesion with these settings."""
    return command("extract", "--image", room / "image.nii.gz", "--mask", room / "mask.nii.gz", "--settings", file,
                   "--json")  # fmt: skip


def run_signature(file: Path, room: Path) -> str:
    """Predict a patient; a signature that cannot be used ends with 5, or with 4 where it makes nonsense of an image."""
    try:
        return command(
            "predict", file, "--image", f"T2={room / 'image.nii.gz'}", "--mask", f"T2={room / 'mask.nii.gz'}",
            "--clinical", "age=50", "--clinical", "er=b", "--outside-range",
        )  # fmt: skip
    except EndedError as ended:
        of_the_image = ended.code == 4 and ("image.nii.gz" in ended.said or "mask.nii.gz" in ended.said)
        if ended.code in (2, 3, 4) and not of_the_image:
            raise EndedError(1, f"exit code {ended.code} where 5 belongs: {ended.said}") from None
        raise


STUDY = """\
study: fuzz
cohort:
  table: {cohort}
  patient: patient_id
  lesion: lesion
  exclude: excl
  outcome: {{column: y, positive: pos}}
  split: {{column: set}}
  readers: [r1]
  clinical:
    age: {{label: Age, unit: year}}
    er: {{label: ER, levels: [a, b]}}
sequences: [T2]
features:
  table: {features}
  columns: {{T2: {{prefix: T2_}}}}
model:
  select:
    - impute: median
    - standardise: zscore
  fit: {{logistic: {{penalty: l2, folds: 5}}}}
  models:
    clin: {{clinical: {{univariate_below: 0.9}}}}
    T2: [T2]
    both: {{add: [T2, clin]}}
  signature: T2
evaluate:
  cutoff: {{youden: training}}
"""


def cohort_table() -> str:
    """A cohort of 24 patients, as CSV."""
    lines = ["patient_id,lesion,y,set,age,er,excl"]
    for number in range(24):
        part = "training" if number < 16 else "testing"
        lines.append(f"P{number:03d},1,{'pos' if number % 2 else 'neg'},{part},{40 + number},{'ab'[number % 3 == 0]},")
    return "\n".join(lines) + "\n"


def feature_table() -> pd.DataFrame:
    """Six features of the cohort."""
    values = np.random.default_rng(3).normal(size=(24, 6))
    table = pd.DataFrame(values, columns=[f"T2_f{number}" for number in range(6)])
    table.insert(0, "patient_id", [f"P{number:03d}" for number in range(24)])
    return table


def workbook(table: pd.DataFrame) -> bytes:
    """The table as XLSX."""
    memory = io.BytesIO()
    table.to_excel(memory, index=False)
    return memory.getvalue()


def parquet(table: pd.DataFrame) -> bytes:
    """The table as Parquet."""
    memory = io.BytesIO()
    table.to_parquet(memory)
    return memory.getvalue()


def _cohort_frame() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(cohort_table()))


def study(cohort: str = "cohort.csv", features: str = "feat.csv") -> str:
    """The study file for tables of these names."""
    return STUDY.format(cohort=cohort, features=features)


def _features_csv() -> bytes:
    return feature_table().to_csv(index=False).encode()


def run_study(file: Path, room: Path) -> str:
    """Load the cohort of a study that has this file as its cohort table, feature table or study file."""
    del room
    folder, name = file.parent, file.name
    written = study(cohort=name if name.startswith("cohort") else "cohort.csv",
                    features=name if name.startswith("feat") else "feat.csv")  # fmt: skip
    good = {"cohort.csv": cohort_table().encode(), "feat.csv": _features_csv(), "study.yaml": written.encode()}
    for beside, content in good.items():
        if not (folder / beside).exists():
            (folder / beside).write_bytes(content)
    chosen = file if file.suffix == ".yaml" else folder / "study.yaml"
    try:
        command("run", chosen, "--step", "cohort", "--jobs", "1")
    except EndedError as ended:
        if chosen == file and ended.code in (2, 3, 4):  # the setting or the table that does not fit is named instead
            told = ("cohort.csv", "feat.csv", "correct cohort.table", "correct 'features'")
            named = [table for table in told if table in ended.said]
            raise EndedError(ended.code, f"{ended.said} ({name})" if named else ended.said) from None
        raise
    rows = folder / "runs" / chosen.stem / "cohort" / "rows.csv"
    return f"{len(rows.read_text(encoding='utf-8').splitlines()) - 1} rows"


PARAMETERS = """\
setting:
  binWidth: 25
  interpolator: sitkBSpline
  resampledPixelSpacing: [1, 1, 1]
  label: 1
  normalize: false
  padDistance: 5
  force2D: false
  weightingNorm: null
imageType:
  Original: {}
featureClass:
  firstorder: [Mean, Energy]
"""


def signature() -> bytes:
    """A signature of four terms."""

    def term(name: str, centre: float, scale: float, low: float, high: float) -> dict[str, object]:
        return {"name": name, "imputation": centre, "centre": centre, "scale": scale, "coefficient": 0.2,
                "training_range": [low, high]}  # fmt: skip

    def variable(levels: list[str] | None) -> dict[str, object]:
        return {"column": None, "label": "A", "unit": "", "levels": levels, "table": "clinical", "model": True}

    document = {
        "format": "radstudy signature 1", "study": "s", "model": "m", "notice": "for research",
        "outcome": {"positive": "pos", "negative": "neg", "label": "y"}, "cutoff": 0.4,
        "formula": {"log_odds": "x", "intercept": -0.3, "terms": [
            term("T2:original_firstorder_Mean", 450.0, 20.0, 400.0, 500.0),
            term("T2:original_firstorder_Energy", 1e7, 1e6, 1e6, 1e8),
            term("clinical:age", 50.0, 10.0, 40.0, 64.0), term("clinical:er=b", 0.3, 0.4, 0.0, 1.0)]},
        "sequences": ["T2"], "clinical": {"age": variable(None), "er": variable(["a", "b"])},
        "prepare": [{"rescale": {"to": [0, 2000], "from": "minmax"}}],
        "extract": {"spacing_mm": None, "bin_width": 25.0, "bin_count": None, "pad_voxels": 5,
                    "images": {"original": True, "log_sigma_mm": [], "wavelet": None},
                    "features": {"firstorder": ["Mean", "Energy"]}, "params": None, "minimum_native_voxels": 8,
                    "minimum_voxels": 27},
        "training": {"lesions": 24, "patients": 24, "positive": 12, "rows_hash": "x"},
        "versions": {"radstudy": "0.1.0"},
    }  # fmt: skip
    return json.dumps(document).encode()


def _segments() -> Mapping[str, bytes]:
    import tempfile

    from radstudy.formats.seg_nrrd import write_seg_nrrd

    volume = np.zeros(SHAPE, bool)
    volume[3:9, 3:8, 2:6] = True
    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(_image(), str(Path(folder) / "i.nii"))
        affine = Volume.read(Path(folder) / "i.nii").affine
        write_seg_nrrd(Path(folder) / "m.seg.nrrd", {"mass": volume, "fat": np.roll(volume, 1, 0)}, affine)
        return {"m.seg.nrrd": (Path(folder) / "m.seg.nrrd").read_bytes()}


def _masks() -> Mapping[str, bytes]:
    plain = _written(_mask(), "m.nii")
    return {"m.nii": plain, "m.nii.gz": gzip.compress(plain, mtime=0)}


def _flat_mask() -> np.ndarray:
    return sitk.GetArrayFromImage(_mask())[4] * 255


def _picture(suffix: str, pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, {".png": "PNG", ".tif": "TIFF", ".jpg": "JPEG"}[suffix])
    return stream.getvalue()


def pictures(suffix: str) -> Mapping[str, bytes]:
    """A grey image g.EXT and a coloured one c.EXT, as large as the flat mask."""
    grey = (sitk.GetArrayFromImage(_image())[4] // 2).astype(np.uint8)
    return {f"g{suffix}": _picture(suffix, grey), f"c{suffix}": _picture(suffix, np.stack([grey, grey // 2, grey], -1))}


# --- the kinds ---------------------------------------------------------------------------------------------------

_IN_HEADER, _LINES, _PARTS = ("bytes", "nifti"), ("bytes", "text"), ("bytes", "zip:bytes", "zip:text")
register(Kind("nii", run_image, beside_images, lambda: images(".nii"), _IN_HEADER))
register(Kind("niigz", run_image, beside_images, lambda: images(".nii.gz"), ("gzip:bytes", "gzip:nifti", "bytes")))
register(Kind("nrrd", run_image, beside_images, lambda: images(".nrrd"), ("bytes", "header")))
register(Kind("mha", run_image, beside_images, lambda: images(".mha"), ("bytes", "header")))
register(Kind("mhd", run_image, beside_images, lambda: {"a.mhd": _written(_image(), "a.mhd")}, ("bytes", "header")))
register(Kind("masknii", run_mask, beside_masks, _masks, _IN_HEADER))
register(Kind("segnrrd", run_mask, beside_masks, _segments, ("bytes", "header")))
register(Kind("maskpng", run_mask, beside_masks, lambda: {"m.png": _picture(".png", _flat_mask())}))
for _suffix in ("png", "tif", "jpg"):
    register(Kind(_suffix, run_picture, beside_pictures, partial(pictures, f".{_suffix}")))
register(Kind("params", run_parameters, beside_settings, lambda: {"params.yaml": PARAMETERS.encode()}, _LINES))
register(Kind("sig", run_signature, beside_images, lambda: {"signature.json": signature()}, (*_LINES, "json")))
register(Kind("csv", run_study, examples=lambda: {"cohort.csv": cohort_table().encode()}, mutators=_LINES))
register(Kind("xlsx", run_study, examples=lambda: {"cohort.xlsx": workbook(_cohort_frame())}, mutators=_PARTS))
register(Kind("fcsv", run_study, examples=lambda: {"feat.csv": _features_csv()}, mutators=_LINES))
register(Kind("fxlsx", run_study, examples=lambda: {"feat.xlsx": workbook(feature_table())}, mutators=_PARTS))
register(Kind("fpq", run_study, examples=lambda: {"feat.parquet": parquet(feature_table())}))
register(Kind("yaml", run_study, examples=lambda: {"study.yaml": study().encode()}, mutators=_LINES))
