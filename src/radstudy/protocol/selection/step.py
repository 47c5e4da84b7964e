"""The base class of selection steps."""

from __future__ import annotations

from typing import ClassVar, Literal

from radstudy.protocol.kinds import Kind


class SelectionStep(Kind):
    """One step of `model.select`.

    Attributes
    ----------
    heading : its column in the table and the figure of the selection.
    again : its name in "reduced them again by ...", if the step picks a final subset, which a pooled model repeats on
        the features that it pools; None for a step that a pooled model does not repeat.
    gaps : its handling of a missing value: "refused", "passed on" or "filled".
    """

    heading: ClassVar[str]
    again: ClassVar[str | None]
    gaps: ClassVar[Literal["refused", "passed on", "filled"]]

    @property
    def reduces(self) -> bool:
        """True if the step picks a final subset, which a pooled model repeats on the features that it pools."""
        return self.again is not None
