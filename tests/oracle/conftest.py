"""What the oracle tests share."""

from types import ModuleType

import pytest

from oracle import ibsi_references


@pytest.fixture(scope="session")
def ibsi() -> ModuleType:
    """The module beside this file that reads IBSI's references."""
    return ibsi_references
