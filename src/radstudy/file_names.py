"""Names of files that are names on every system: Windows reserves some, and Windows and macOS ignore capitals.

References
----------
Microsoft, Naming Files, Paths, and Namespaces: reserved names, with any ending; no dot or space at the end.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"}
_NUMBERED, _DIGITS = ("com", "lpt"), "0123456789\u00b9\u00b2\u00b3"


def is_reserved(name: str) -> bool:
    """True if nothing can have this name on Windows: a device's, with any ending, or one that ends in a dot or space.

    Parameters
    ----------
    name : of a file or folder, without its folders.

    Examples
    --------
    >>> [name for name in ("CON", "aux.nii.gz", "lpt1 .txt", "P1.", "console", "com") if is_reserved(name)]
    ['CON', 'aux.nii.gz', 'lpt1 .txt', 'P1.']
    """
    stem = name.partition(".")[0].rstrip(" ").lower()
    numbered = len(stem) == 4 and stem[:3] in _NUMBERED and stem[3] in _DIGITS
    return stem in _DEVICES or numbered or name.endswith((".", " "))


def usual(name: str) -> str:
    """The form in which two names are the same file on Windows and macOS: without capitals, accents composed.

    Parameters
    ----------
    name : of a file or folder.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def stems(names: Iterable[str]) -> dict[str, str]:
    """Names of anything as the first parts of files' names, each another one on every system.

    Letters, digits and ``- + _ .`` stay, other signs become ``-``; what would be a reserved name gets a ``-``, and what
    an earlier name has already gets a number.

    Parameters
    ----------
    names : each once.

    Examples
    --------
    >>> stems(["Model 1", "model-1", "aux", "T2+clinical"])
    {'Model 1': 'Model-1', 'model-1': 'model-1-2', 'aux': 'aux-', 'T2+clinical': 'T2+clinical'}
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    plain = {name: "".join(sign if sign.isalnum() or sign in "-+_." else "-" for sign in name) for name in names}
    wanted = {usual(stem) for stem in plain.values()}
    for name, stem in plain.items():
        first = f"{stem}-" if is_reserved(stem) else stem
        one, number = first, 1
        while usual(one) in taken or (number > 1 and usual(one) in wanted):
            number += 1
            one = f"{first}-{number}"
        given[name] = one
        taken.add(usual(one))
    return given
