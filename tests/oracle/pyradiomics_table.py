"""Writes docs/pyradiomics.md: how far every feature lies from PyRadiomics 3.0.1, at most, over all lesions compared.

``python tests/oracle/pyradiomics_table.py FOLDER_OF_REAL_DATA [--reference-python P --demo-patients N]``

The lesions are those of pyradiomics_extract.csv.gz. With P, the Python of an environment that has PyRadiomics, the
lesions of N patients of the demo (seed 1, four sequences each) are extracted by both as well.
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

from radstudy import catalogue
from radstudy.features.extract import extract
from radstudy.features.of_study import her2_ihc2plus

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "pyradiomics.md"
IMAGE_TYPES = {
    "original": "original", "log-sigma": "LoG", "wavelet": "wavelet", "square": "square", "squareroot": "square root",
    "logarithm": "logarithm", "exponential": "exponential", "gradient": "gradient",
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
    for _, ours, theirs in compared:
        for name, value in theirs.items():
            image, family, feature = name.split("_", 2)
            kind = IMAGE_TYPES[image if image in IMAGE_TYPES else "wavelet" if image[0] == "w" else "log-sigma"]
            apart = difference(ours[name], value)
            cell = largest.setdefault((family, feature), {})
            cell[kind] = max(cell.get(kind, 0.0), apart)
            values += 1
            beyond += apart > BOUND
    kinds = list(IMAGE_TYPES.values())
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
    compared = committed(options.data)
    if options.reference_python:
        compared += demo(options.reference_python, options.demo_patients)
    DOCS.write_text(page(compared), encoding="utf-8")
    print(DOCS)


if __name__ == "__main__":
    main()
