"""One place of evidence: a file of the run with its column, or a setting of the study file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EvidencePlace:
    """One place of evidence.

    Parameters
    ----------
    file : file of the run, by its path from the run's folder; "" for a setting.
    column : column of a table, or dotted name of a JSON file's field; "" for the whole file.
    setting : dotted name of a setting of the study file, after "no " if it is left out; "" for a file.
    """

    file: str = ""
    column: str = ""
    setting: str = ""

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
        if self.setting:
            return f"study file ({self.setting})"
        return f"{self.file} ({self.column})" if self.column else self.file
