"""What the oracle tests share."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def ibsi() -> ModuleType:
    """The module beside this file that reads IBSI's references."""
    spec = importlib.util.spec_from_file_location("ibsi_references", Path(__file__).parent / "ibsi_references.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ibsi_references"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
