"""Functions and names that PyRadiomics' package offers beside its extractor class."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from radstudy._version import __version__ as _radstudy_version
from radstudy.catalogue import FEATURES

CONVENTIONS = "3.0.1"  # the version of PyRadiomics whose values, names and defaults are reproduced
__version__ = f"{CONVENTIONS}+radstudy.{_radstudy_version}"  # a local version (PEP 440): scripts compare versions

logger = logging.getLogger("radiomics")  # the name that scripts add their handlers to
logger.setLevel(logging.INFO)
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("%(message)s"))
handler.setLevel(logging.WARNING)
logger.addHandler(handler)

testCases = ("brain1", "brain2", "breast1", "lung1", "lung2", "test_wavelet_64x64x64", "test_wavelet_37x37x37")

_IMAGE_TYPES = (
    "Exponential", "Gradient", "LBP2D", "LBP3D", "LoG", "Logarithm", "Original", "Square", "SquareRoot", "Wavelet",
)  # fmt: skip


def setVerbosity(level: int) -> None:
    """Set the least level of messages printed to stderr: 10 prints all, 30 warnings and errors, 60 nothing."""
    handler.setLevel(min(max(level, logging.DEBUG), 60))
    if handler.level < logger.level:
        logger.setLevel(handler.level)


def getImageTypes() -> list[str]:
    """Return the names of PyRadiomics' image types, in its order."""
    return list(_IMAGE_TYPES)


def feature_class_names() -> list[str]:
    """Return the names of PyRadiomics' feature classes, in its order."""
    return sorted({*FEATURES, "shape2D"})


def getTestCase(testCase: str, dataDirectory: str | Path | None = None) -> tuple[str, str]:
    """Return the paths of one of PyRadiomics' test images and of its mask, which have to be there already.

    Parameters
    ----------
    testCase : one of `testCases`, with "_2D" for the mask of a single slice.
    dataDirectory : None for the folder in which PyRadiomics keeps them (pyradiomics/data in the temporary folder).

    Raises
    ------
    ValueError : there is no such test case.
    FileNotFoundError : a file is not there; nothing is downloaded.
    """
    name = testCase.lower().removesuffix("_2d")
    plane = "_2D" if testCase.lower().endswith("_2d") else ""
    if name not in testCases:
        raise ValueError(f"there is no test case {testCase!r}; choose from {', '.join(testCases)}")
    folder = Path(tempfile.gettempdir()) / "pyradiomics" / "data" if dataDirectory is None else Path(dataDirectory)
    files = folder / f"{name}_image.nrrd", folder / f"{name}_label{plane}.nrrd"
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} is not there, and radstudy downloads nothing. Get {file.name} from "
                "https://github.com/Radiomics/pyradiomics/releases/tag/v1.0, and give its folder as dataDirectory"
            )
    return str(files[0]), str(files[1])
