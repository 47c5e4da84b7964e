"""The base class of the steps of `prepare`."""

from __future__ import annotations

from abc import abstractmethod

from radstudy.protocol.base import Section
from radstudy.protocol.kinds import Kind


class PreparationStep(Kind, Section):
    """One step of `prepare`."""

    @abstractmethod
    def trace(self) -> str:
        """A part of the line about this step in a volume's history (`Volume.history`)."""

    @abstractmethod
    def brief(self) -> tuple[str, str]:
        """The step and its setting in a few words each, for the figure of the workflow."""
