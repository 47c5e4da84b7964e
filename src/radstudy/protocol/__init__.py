"""study.yaml -> Protocol: every setting of a study, checked, frozen, with the preset filled in."""

from radstudy.protocol.load import PRESETS, load_protocol, preset_text
from radstudy.protocol.sections import STEPS, Protocol

__all__ = ["PRESETS", "STEPS", "Protocol", "load_protocol", "preset_text"]
