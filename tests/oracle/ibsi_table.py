"""Write docs/ibsi.md: how many of IBSI's reference values radstudy meets, by configuration and family.

Usage: python tests/oracle/ibsi_table.py [--data FOLDER]  (default: RADSTUDY_REAL_DATA)
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

from ibsi_references import IBSI1, IBSI2, Reference, extracted, filtered, map_difference, maps, misses, references

from radstudy.catalogue import CATALOGUE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ibsi.md"
SHORT = {
    "Co-occurrence matrix": "Co-occurrence (GLCM)",
    "Run length matrix": "Run length (GLRLM)",
    "Size zone matrix": "Size zone (GLSZM)",
    "Distance zone matrix": "Distance zone (GLDZM)",
    "Neighbourhood grey tone difference matrix": "Grey tone difference (NGTDM)",
    "Neighbouring grey level dependence matrix": "Grey level dependence (NGLDM)",
}

HEAD = """# IBSI

`radstudy.extract_ibsi` computes features exactly as the Image Biomarker Standardisation Initiative defines them, for
studies whose numbers must be comparable across software. (`radstudy.extract` gives PyRadiomics' values; where the two
differ is [below](#where-pyradiomics-departs).)

```python
import radstudy

radstudy.extract_ibsi("image.nii.gz", "mask.nii.gz", "C")  # a published configuration
settings = radstudy.IbsiSettings(spacing_mm=(1, 1, 1), bin_count=32)  # or your own
features = radstudy.extract_ibsi("image.nii.gz", "mask.nii.gz", settings)
features["cm_contrast_3D_comb", "3D merged"]  # by IBSI's tag and aggregation
```

Filters are in `radstudy.features.ibsi.filters`. In `radstudy.features.ibsi.response_maps`, `response_map` filters a
volume and `filtered_statistics` describes a lesion in it.

This page is written by `python tests/oracle/ibsi_table.py` from what radstudy computes; `tests/oracle/test_ibsi1.py`
and `test_ibsi2.py` fail if any value leaves its tolerance. A value counts as met if it lies within the published
tolerance of the published value, which is printed to three digits: its last digit may be rounded by half.
"""

OMITTED = """
Not given, because IBSI could not standardise them: volume and area density of the oriented minimum bounding box and of
the minimum volume enclosing ellipsoid, and the area under the intensity-volume histogram.

Two choices that the reference values decide: axis lengths come from a covariance divided by n - 1, and the area of the
ellipsoid from the first 20 terms of IBSI's series. With a range and a number of standard deviations (configuration E)
the intensities that stay are in both, each found on the mask before resegmentation.
"""

DEPARTURES = """
## Where PyRadiomics departs

Before any feature: PyRadiomics' grid starts at a corner of the image instead of sharing its centre, its masks are
interpolated by nearest neighbour, intensities are rounded where the file's pixel type is a whole number (towards 0),
and bins of a fixed width start at a multiple of the width, not at the lesion's minimum or the resegmentation range.
Where none of these matters (`tests/property/test_ibsi.py`), this is what remains. (radstudy cuts the cubes of a mesh as
PyRadiomics does in both modes, so here the meshes agree.)
"""


def family_of(row: Reference) -> str:
    """The row's family without its aggregation."""
    name = row.family.split(" (")[0]
    return "Diagnostics" if name.startswith("Diagnostics") else SHORT.get(name, name)


def first_table(data: Path) -> list[str]:
    """IBSI-1: met / existing, by family and configuration."""
    met, all_of = Counter(), Counter()
    for configuration in IBSI1:
        rows = references(data, "ibsi1_reference_values.csv", configuration)
        missed = {id(row) for row, _ in misses(rows, extracted(data, configuration))}
        for row in rows:
            for place in ((family_of(row), configuration), ("**all**", configuration)):
                all_of[place] += 1
                met[place] += id(row) not in missed
    names = list(dict.fromkeys(family for family, _ in all_of if family != "**all**"))
    lines = ["| family | digital phantom | A | B | C | D | E |", "|---|---|---|---|---|---|---|"]
    for family in [*names, "**all**"]:
        cells = [
            f"{met[family, configuration]} / {all_of[family, configuration]}" if all_of[family, configuration] else "-"
            for configuration in IBSI1
        ]
        lines.append(f"| {family} | {' | '.join(cells)} |")
    total, met_total = (sum(count[("**all**", one)] for one in IBSI1) for count in (all_of, met))
    sources = [one for one in IBSI1 if not all_of["**all**", one]]
    lines += ["", f"Together {met_total} of {total} standardised values."]
    if sources:
        lines[-1] += f" A dash: no such values, or (configuration {', '.join(sources)}) none at hand to compare with."
    return lines


def maps_table(data: Path) -> list[str]:
    """IBSI-2, phase 1: the largest difference of each map."""
    lines = ["| test | largest difference, % of the map's range (1 passes) |", "|---|---|"]
    return lines + [f"| {test[0]}.{test[1].lower()}{'.' + test[2:] if test[2:] else ''} | "
                    f"{map_difference(data, test):.4f} |" for test in maps(data)]  # fmt: skip


def filtered_table(data: Path) -> list[str]:
    """IBSI-2, phase 2: met / existing, by filter."""
    lines = ["| filter | A (by slice) | B (3D, 1 mm) |", "|---|---|---|"]
    filters = (
        "none", "mean", "Laplacian of Gaussian", "Laws' energy", "Gabor", "db3, LH / LLH, level 1",
        "db3, HH / HHH, level 2", "Simoncelli, level 1", "Simoncelli, level 2",
    )  # fmt: skip
    for number, name in enumerate(filters, 1):
        cells = []
        for configuration in (one for one in IBSI2 if one.startswith(f"{number}.")):
            rows = references(data, "ibsi2_phase2_reference_values.csv", configuration)
            cells.append(f"{len(rows) - len(misses(rows, filtered(data, configuration)))} / {len(rows)}")
        lines.append(f"| {number} {name} | {' | '.join(cells)} |")
    return lines


def departures() -> list[str]:
    """Where PyRadiomics' features differ, from the catalogue; what holds for all binned features is said once."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in CATALOGUE:
        departs = "; ".join(part for part in one.departs.split("; ") if not part.startswith("bins start"))
        if departs and one.ibsi_tag:
            grouped.setdefault((one.family, departs), []).append(f"{one.name} (`{one.ibsi_tag}`)")
    lines = ["| family | feature (IBSI tag) | how `radstudy.extract` differs |", "|---|---|---|"]
    lines += [f"| {family} | {', '.join(names)} | {departs} |" for (family, departs), names in grouped.items()]
    without = [f"{one.name} ({one.family})" for one in CATALOGUE
               if not one.ibsi_tag and one.family != "shape2D"]  # fmt: skip
    return [*lines, "", f"IBSI defines no {', '.join(without)}, and no shape of one plane (shape2D)."]


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("RADSTUDY_REAL_DATA"))
    data = Path(parser.parse_args().data)
    parts = [
        HEAD.rstrip(), "", "## Reference values of IBSI-1", "",
        "Zwanenburg et al. 2020, [doi 10.1148/radiol.2020191145](https://doi.org/10.1148/radiol.2020191145).", "",
        *first_table(data), OMITTED.rstrip(), "", "## Filters of IBSI-2", "",
        "Whybra et al. 2024, [doi 10.1148/radiol.231319](https://doi.org/10.1148/radiol.231319). Response maps of the",
        "digital phantoms (the others' were not at hand):", "",
        *maps_table(data), "", "Statistics of the filtered CT phantom:", "", *filtered_table(data), "",
        DEPARTURES.strip(), "", *departures(), "",
    ]  # fmt: skip
    DOCUMENT.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
