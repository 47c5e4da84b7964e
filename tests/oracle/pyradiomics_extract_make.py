"""Writes pyradiomics_extract.csv.gz: PyRadiomics 3.0.1's values of every case in pyradiomics_extract_cases.json.

Run where PyRadiomics 3.0.1 is installed: ``python tests/oracle/pyradiomics_extract_make.py FOLDER_OF_REAL_DATA``. The
committed file was made with Python 3.11, NumPy 2.4.6, SimpleITK 2.5 and PyWavelets 1.9.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

import radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor

HERE = Path(__file__).parent


def rows(data: Path):
    cases = json.loads((HERE / "pyradiomics_extract_cases.json").read_text(encoding="utf-8"))
    for name, case in cases.items():
        params = case["params"]
        params["setting"]["additionalInfo"] = False
        found = RadiomicsFeatureExtractor(params).execute(str(data / case["image"]), str(data / case["mask"]))
        print(name, len(found))
        yield from ((name, feature, f"{float(value):.13g}") for feature, value in found.items())


if __name__ == "__main__":
    radiomics.setVerbosity(60)
    with gzip.GzipFile(HERE / "pyradiomics_extract.csv.gz", "wb", mtime=0) as packed:
        import io

        with io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(["case", "feature", "value"])
            writer.writerows(rows(Path(sys.argv[1])))
