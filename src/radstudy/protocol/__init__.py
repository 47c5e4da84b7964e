"""study.yaml -> Protocol: every setting of a study, checked, frozen, with the preset filled in."""

from radstudy.protocol.load import load_protocol
from radstudy.protocol.sections import STEPS, Protocol

__all__ = ["STEPS", "Protocol", "load_protocol"]
