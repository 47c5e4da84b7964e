"""Bounds on the size of inputs, checked before memory is allocated; every bound can be raised (docs/limits.md).

A header is a claim: a file of 352 bytes can claim 400 MB, and a compressed one of 6 MB can unpack to 6 GB. The claimed
size is compared with the bound first, and the content is counted while it is unpacked.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from radstudy.errors import CaseError, DataError, RadstudyError, RefusedError, StudyFileError, UsageError

FURTHEST_MM = 1e6  # a kilometre from the scanner's middle: no patient lies there
_UNITS = {"GB": 1e9, "MB": 1e6, "": 1.0}


@dataclass(frozen=True)
class Bound:
    """The largest amount of something that is read.

    Parameters
    ----------
    variable : environment variable that sets another bound.
    default : in `unit`; generous for a study of thousands of patients.
    unit : GB, MB or "" for a number of things.
    what : the thing counted, as named in the error.
    """

    variable: str
    default: float
    unit: str
    what: str

    @property
    def most(self) -> int:
        """The bound in force: bytes, or a number of things.

        Raises
        ------
        UsageError : the environment variable does not hold a positive number.
        """
        text = os.environ.get(self.variable, "").strip()
        try:
            value = float(text) if text else self.default
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise UsageError(f"{self.variable} is '{text}'. To do: give a positive number{self._in_units}, or unset it")
        return int(value * _UNITS[self.unit])

    def exceeded(self, value: float, *, at_least: bool = False) -> str:
        """The message for a value beyond the bound; "" if it is within.

        Parameters
        ----------
        value : bytes, or a number of things.
        at_least : True if counting stopped at this value, so that there may be more.
        """
        if value <= self.most:
            return ""
        seen = f"{'more than ' if at_least else ''}{self._shown(value)}"
        return f"{self.what} would be {seen}, and at most {self._shown(self.most)} are read"

    @property
    def remedy(self) -> str:
        """The instruction for raising the bound."""
        return (
            f"check that the file is what it should be; if it is, set the environment variable {self.variable} to a "
            f"larger number{self._in_units} (now {self._plain(self.most)}) and give the same command again"
        )

    def require(self, value: float, file: str | Path, *, at_least: bool = False) -> None:
        """Refuse an image or mask beyond the bound, with a CaseError that names the file."""
        if problem := self.exceeded(value, at_least=at_least):
            raise CaseError(problem, self.remedy, file=file)

    def require_of(
        self, kind: type[DataError | StudyFileError | RefusedError], value: float, file: str | Path, *,
        at_least: bool = False,
    ) -> None:  # fmt: skip
        """Refuse a table, a settings file or a signature beyond the bound, with an error of this class."""
        if problem := self.exceeded(value, at_least=at_least):
            error: RadstudyError = kind(f"{file}: {problem}. To do: {self.remedy}.")
            raise error

    def _shown(self, value: float) -> str:
        return f"{self._plain(value)} {self.unit}".strip()

    def _plain(self, value: float) -> str:
        return f"{value / _UNITS[self.unit]:.4g}" if self.unit else f"{value:,.0f}"

    @property
    def _in_units(self) -> str:
        return f" of {self.unit}" if self.unit else ""


IMAGE = Bound("RADSTUDY_MAX_IMAGE_GB", 4, "GB", "the voxels of one image or mask")
OBJECT = Bound("RADSTUDY_MAX_DICOM_GB", 1, "GB", "the DICOM object, unpacked,")
SLICE = Bound("RADSTUDY_MAX_SLICE_MB", 128, "MB", "the decoded slice")
TABLE = Bound("RADSTUDY_MAX_TABLE_GB", 4, "GB", "the table, unpacked,")
CELLS = Bound("RADSTUDY_MAX_TABLE_CELLS", 120e6, "", "the table's cells")
WORKBOOK = Bound("RADSTUDY_MAX_XLSX_MB", 300, "MB", "the workbook, unpacked,")
YAML = Bound("RADSTUDY_MAX_YAML_MB", 0.25, "MB", "the settings file")
NODES = Bound("RADSTUDY_MAX_YAML_VALUES", 100_000, "", "the values of the settings file, written out,")
SIGNATURE = Bound("RADSTUDY_MAX_SIGNATURE_MB", 50, "MB", "the signature")
UPLOADED_FILE = Bound("RADSTUDY_MAX_UPLOADED_FILE_MB", 300, "MB", "one uploaded file")
UPLOAD = Bound("RADSTUDY_MAX_UPLOAD_MB", 1000, "MB", "all files of one request")
DEEPEST = 100  # nested levels of a settings file or of JSON: no setting needs more than ten
