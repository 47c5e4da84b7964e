"""What every step of the selection says of itself."""

from __future__ import annotations

from typing import ClassVar, Literal

from radstudy.protocol.kinds import Kind


class SelectionStep(Kind):
    """One step of `model.select`.

    Attributes
    ----------
    heading : its column in the table and the figure of the selection.
    again : its name in "reduced them again by ...", where the step picks a final subset, which a pooled model makes
        again of the features that it pools; None for a step that a pooled model does not make again.
    gaps : what it does with a missing value: "refused", "passed on" or "filled".
    """

    heading: ClassVar[str]
    again: ClassVar[str | None]
    gaps: ClassVar[Literal["refused", "passed on", "filled"]]

    @property
    def reduces(self) -> bool:
        """Whether the step picks a final subset, which a pooled model makes again of the features it pools."""
        return self.again is not None
