"""Writes docs/pyradiomics.md: how far every feature lies from PyRadiomics 3.0.1, at most, over all lesions compared.

``python tests/oracle/pyradiomics_table.py FOLDER_OF_REAL_DATA [--reference-python P --demo-patients N]``

The lesions are those of pyradiomics_extract.csv.gz and of pyradiomics_2d.csv.gz. With P, the Python of an environment
that has PyRadiomics, the lesions of N patients of the demo (seed 1, four sequences each) are extracted by both as well.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import subprocess
import tempfile
from pathlib import Path

import SimpleITK as sitk
from pyradiomics_2d_make import CASES as CASES_2D
from pyradiomics_2d_make import images_of

from radstudy import catalogue
from radstudy.features.extract import extract
from radstudy.features.of_study import her2_ihc2plus

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "pyradiomics.md"
IMAGE_TYPES = {
    "original": "original", "log-sigma": "LoG", "wavelet": "wavelet", "square": "square", "squareroot": "square root",
    "logarithm": "logarithm", "exponential": "exponential", "gradient": "gradient", "lbp-2D": "LBP2D",
    "lbp-3D": "LBP3D",
}  # fmt: skip
NOISE = 1e-12  # a value nearer to 0 than this is rounding, in PyRadiomics' values too
BOUND = 1e-6

_LIVE = """
import json, sys, radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor
radiomics.setVerbosity(60)
params = json.loads(sys.argv[1])
for image, mask in json.loads(sys.argv[2]):
    found = RadiomicsFeatureExtractor(params).execute(image, mask)
    print(json.dumps({name: float(value) for name, value in found.items()}), flush=True)
"""

Values = dict[str, float]


def kind_of(image: str, two_axes: bool) -> str:
    """The column of an image: filters that stay in the plane have their own."""
    start = next(name for name in sorted(IMAGE_TYPES, key=len, reverse=True) if image.startswith(name))
    in_plane = (start == "wavelet" and len(image.rpartition("-")[2]) == 2) or (start == "log-sigma" and two_axes)
    return f"{IMAGE_TYPES[start]} in plane" if in_plane else IMAGE_TYPES[start]


def planes(data: Path) -> list[tuple[str, Values, Values]]:
    """The same of the cases with shape2D, local binary patterns and filters within planes."""
    theirs: dict[str, Values] = {}
    with gzip.open(HERE / "pyradiomics_2d.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            theirs.setdefault(row["case"], {})[row["feature"]] = float(row["value"])
    compared = []
    for name, case in CASES_2D.items():
        with tempfile.TemporaryDirectory() as folder:
            files = [str(Path(folder) / f"{what}.nrrd") for what in ("image", "mask")]
            for image, file in zip(images_of(case, data), files, strict=True):
                sitk.WriteImage(image, file)
            compared.append((name, extract(*files, case["params"]), theirs[name]))
    return compared


def committed(data: Path) -> list[tuple[str, Values, Values]]:
    """Case, our values and theirs, of every case of the committed file."""
    cases = json.loads((HERE / "pyradiomics_extract_cases.json").read_text(encoding="utf-8"))
    theirs: dict[str, Values] = {}
    with gzip.open(HERE / "pyradiomics_extract.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            theirs.setdefault(row["case"], {})[row["feature"]] = float(row["value"])
    return [
        (name, extract(data / case["image"], data / case["mask"], case["params"]), theirs[name])
        for name, case in cases.items()
    ]


def demo(python: str, patients: int) -> list[tuple[str, Values, Values]]:
    """The same for the first reader's lesions of demo patients, the reference run live."""
    from radstudy.demo.cohort import make_patient, plan

    params = her2_ihc2plus().as_dict()
    keep = ("binWidth", "resampledPixelSpacing", "interpolator", "padDistance")
    params["setting"] = {name: params["setting"][name] for name in keep} | {"label": 1, "additionalInfo": False}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        people = plan(patients=107, seed=1, null=False)[2][:patients]
        for patient in people:
            make_patient(patient, folder)
        pairs = [
            (folder / "images" / who.identifier / f"{sequence}.nii.gz",
             folder / "masks" / who.identifier / f"{sequence}_reader1.nii.gz")
            for who in people for sequence in ("T2WI", "DWI", "DCE3", "DCE7")
        ]  # fmt: skip
        command = [python, "-c", _LIVE, json.dumps(params), json.dumps([[str(a), str(b)] for a, b in pairs])]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [
            (f"demo {image.parent.name} {image.name.partition('.')[0]}", extract(image, mask), json.loads(line))
            for (image, mask), line in zip(pairs, lines, strict=True)
        ]


def difference(ours: float, theirs: float) -> float:
    """Relative difference; 0 where both are NaN or both are rounding errors."""
    if math.isnan(ours) or math.isnan(theirs):
        return 0.0 if math.isnan(ours) and math.isnan(theirs) else math.inf
    if max(abs(ours), abs(theirs)) < NOISE:
        return 0.0
    return abs(ours - theirs) / max(abs(theirs), NOISE)


def page(compared: list[tuple[str, Values, Values]]) -> str:
    """The Markdown page."""
    largest: dict[tuple[str, str], dict[str, float]] = {}
    values = beyond = 0
    for case, ours, theirs in compared:
        two_axes = CASES_2D.get(case, {}).get("axes") == 2
        for name, value in theirs.items():
            image, family, feature = name.split("_", 2)
            kind = kind_of(image, two_axes)
            apart = difference(ours[name], value)
            cell = largest.setdefault((family, feature), {})
            cell[kind] = max(cell.get(kind, 0.0), apart)
            values += 1
            beyond += apart > BOUND
    kinds = [*IMAGE_TYPES.values(), "LoG in plane", "wavelet in plane"]
    order = [(feature.family, feature.name) for feature in catalogue.CATALOGUE]
    rows = [
        f"| {family} | {feature} | " + " | ".join(_shown(largest[family, feature].get(kind)) for kind in kinds) + " |"
        for family, feature in order
        if (family, feature) in largest
    ]
    cases = ", ".join(name for name, _, _ in compared)
    return "\n".join([
        "# How far from PyRadiomics 3.0.1", "",
        "Made by `python tests/oracle/pyradiomics_table.py`; do not edit.", "",
        f"{values:,} values of {len(compared)} lesions were compared; {beyond} differ by more than 1e-6 of the value. "
        "Each cell is the largest relative difference of a feature over all lesions and all images of that type "
        "(five LoG sigmas, eight sub-bands); 0 is equal to the last digit kept, an empty cell was not compared. "
        "Values below 1e-12 (differences that are 0 by symmetry) count as equal.", "",
        "LoG in plane is that of an image of two axes; wavelet in plane that of an image of two axes or of force2D. "
        "LBP was compared with scikit-image 0.24.0, trimesh 4.12.2 and SciPy 1.13.1. LBP2D codes of a normalised "
        "image are not in the table: they compare neighbours that are often equal, so that the last bit of the "
        "normalised values decides. Features of mammogram_like (40 pixels) then differed by up to 22 %; without "
        "normalisation none did, nor did LBP2D by the method var or LBP3D.", "",
        f"Lesions: {cases}.", "",
        "| class | feature | " + " | ".join(kinds) + " |", "|---|---|" + "---|" * len(kinds), *rows, "",
    ])  # fmt: skip


def _shown(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.0e}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--reference-python")
    parser.add_argument("--demo-patients", type=int, default=3)
    options = parser.parse_args()
    compared = committed(options.data) + planes(options.data)
    if options.reference_python:
        compared += demo(options.reference_python, options.demo_patients)
    DOCS.write_text(page(compared), encoding="utf-8")
    print(DOCS)


if __name__ == "__main__":
    main()
