"""What every step of `prepare` says of itself."""

from __future__ import annotations

from abc import abstractmethod

from radstudy.protocol.base import Section
from radstudy.protocol.kinds import Kind


class PreparationStep(Kind, Section):
    """One step of `prepare`."""

    @abstractmethod
    def trace(self) -> str:
        """A part of the line by which a volume's history tells of this step (`Volume.history`)."""
