"""One place of evidence: a file of the run with its column, a setting of the study file, or a part of the report."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from radstudy.report.outline import number_of


@dataclass(frozen=True)
class EvidencePlace:
    """One place of evidence.

    Parameters
    ----------
    file : file of the run, by its path from the run's folder; "" for a setting.
    column : column of a table, or dotted name of a JSON file's field; "" for the whole file.
    setting : dotted name of a setting of the study file; "" for a file.
    part : kind and name of a part of the report, such as "figure workflow"; "" for a file.
    left_out : True if the study file leaves the setting out, which an item may ask for but is nothing to look up.
    """

    file: str = ""
    column: str = ""
    setting: str = ""
    part: str = ""
    left_out: bool = False

    @property
    def text(self) -> str:
        """The place in words.

        Examples
        --------
        >>> EvidencePlace("agree/icc.csv", "icc").text
        'agree/icc.csv (icc)'
        >>> EvidencePlace(setting="cohort.exclude").text
        'study file (cohort.exclude)'
        """
        if self.part:
            kind, _, name = self.part.partition(" ")
            return f"the {name} text" if kind == "text" else number_of(kind, name)
        if self.setting:
            return f"study file ({self.setting})"
        return f"{self.file} ({self.column})" if self.column else self.file

    @property
    def target(self) -> str:
        """The address of the place from the page; "" for a setting."""
        return f"#{self.part.replace(' ', '-')}" if self.part else quote(self.file)
