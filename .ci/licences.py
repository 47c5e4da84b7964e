"""Check the licences of all packages that radstudy needs at run time, as this environment has them.

    python .ci/licences.py            ends with 1 if a licence is unknown, or may not stand beside Apache-2.0
    python .ci/licences.py --write    writes the table of docs/dependencies.md anew

A licence is what the package's own metadata state: the SPDX expression, else the field License, else the classifiers.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TABLE = Path(__file__).resolve().parents[1] / "docs" / "dependencies.md"
_BEGIN, _END = "<!-- licences: made by .ci/licences.py --write -->", "<!-- end of the licences -->"

# SPDX name, and how else packages state it. Each lets a program under Apache-2.0 use the package as a library.
ALLOWED = {
    "MIT": {"mit license", "the mit license (mit)"},
    "MIT-CMU": {"hpnd", "historical permission notice and disclaimer (hpnd)"},
    "BSD-3-Clause": {
        "bsd",
        "bsd license",
        "bsd 3-clause license",
        "new bsd",
        "3-clause bsd license",
        "modified bsd license",
    },
    "BSD-2-Clause": {"bsd-2-clause license", "bsd 2-clause license"},
    "0BSD": set(),
    "Apache-2.0": {
        "apache",
        "apache 2.0",
        "apache license 2.0",
        "apache software license",
        "apache license, version 2.0",
    },
    "Apache-2.0 WITH LLVM-exception": set(),
    "PSF-2.0": {"psf", "python software foundation license", "psfl"},
    "ISC": {"isc license", "isc license (iscl)"},
    "Zlib": {"zlib/libpng license"},
    "CC0-1.0": set(),
    "Unlicense": {"the unlicense (unlicense)"},
    "MPL-2.0": {"mozilla public license 2.0 (mpl 2.0)"},  # copyleft by file: used unchanged, as a library
}
_BY_NAME = {other: spdx for spdx, others in ALLOWED.items() for other in {spdx.lower(), *others}}


class UnknownLicenceError(ValueError):
    """A licence that is not in the list, or none."""


def needed(name: str) -> dict[str, metadata.Distribution]:
    """The packages that a package needs in this environment, and theirs, by name; without its extras."""
    seen: dict[str, metadata.Distribution] = {}
    left: list[tuple[str, frozenset[str]]] = [(name, frozenset())]
    while left:
        one, extras = left.pop()
        if canonicalize_name(one) in seen:
            continue
        package = seen[canonicalize_name(one)] = metadata.distribution(one)
        for requirement in map(Requirement, package.requires or []):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                left.append((requirement.name, frozenset(requirement.extras)))
    del seen[canonicalize_name(name)]
    return dict(sorted(seen.items()))


def licence(expression: str | None, field: str | None, classifiers: list[str]) -> str:
    """The SPDX expression of what a package states of its licence.

    Parameters
    ----------
    expression, field : License-Expression and License of its metadata; None if it has none.
    classifiers : all of them.

    Raises
    ------
    UnknownLicenceError : it states none, or one that is not allowed.
    """
    if expression:
        return _of_expression(expression)
    if field and "\n" not in field.strip() and field.strip().lower() in _BY_NAME:
        return _BY_NAME[field.strip().lower()]
    own = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")]
    own = [one for one in own if one != "OSI Approved"]
    unknown = [one for one in own if one.lower() not in _BY_NAME]
    if unknown or not own:
        raise UnknownLicenceError((unknown or [(field or "none stated").strip().splitlines()[0]])[0])
    return " AND ".join(sorted({_BY_NAME[one.lower()] for one in own}))


def _of_expression(expression: str) -> str:
    """An expression whose every alternative is looked at: one allowed side of OR is enough, AND needs both."""
    sides = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    reasons = []
    for side in sides:
        parts = re.split(r"\s+AND\s+", side)
        unknown = [part for part in parts if part.lower() not in _BY_NAME]
        if not unknown:
            return " AND ".join(sorted({_BY_NAME[part.lower()] for part in parts}))
        reasons += unknown
    raise UnknownLicenceError(reasons[0])


def examined(packages: dict[str, metadata.Distribution]) -> tuple[dict[str, str], list[str]]:
    """Licences by package, and sentences on those that are refused."""
    known, refused = {}, []
    for name, package in packages.items():
        about = package.metadata
        try:
            known[name] = licence(
                about.get("License-Expression"), about.get("License"), about.get_all("Classifier") or []
            )
        except UnknownLicenceError as error:
            refused.append(f"{name} {package.version}: licence '{error}' is not in the list of .ci/licences.py")
    return known, refused


def read_table() -> dict[str, str]:
    """Licences by package as docs/dependencies.md states them."""
    inside = TABLE.read_text(encoding="utf-8").split(_BEGIN)[1].split(_END)[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \|", inside, re.MULTILINE)
    return dict(rows)


def _write_table(known: dict[str, str]) -> None:
    text = TABLE.read_text(encoding="utf-8")
    rows = "".join(f"| `{name}` | {spdx} |\n" for name, spdx in sorted({**known, **read_table()}.items()))
    before, after = text.split(_BEGIN)[0], text.split(_END)[1]
    TABLE.write_text(f"{before}{_BEGIN}\n\n| package | licence |\n|---|---|\n{rows}\n{_END}{after}", encoding="utf-8")


def main() -> None:
    """Check, and end with 1 if a licence is refused."""
    known, refused = examined(needed("radstudy"))
    if refused:
        sys.exit("\n".join(refused))
    if "--write" in sys.argv[1:]:
        _write_table(known)
    print(f"{len(known)} packages, licences: {', '.join(sorted(set(known.values())))}")


if __name__ == "__main__":
    main()
