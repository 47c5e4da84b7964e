"""Libraries that only some settings need; where one is absent the error names the command that installs it."""

from __future__ import annotations

import importlib
from typing import Any

from radstudy.errors import UsageError


def required(module: str, wanted_by: str) -> Any:
    """A module of the extra `selection`.

    Parameters
    ----------
    module : such as "boruta".
    wanted_by : the setting that needs it, such as "select.boruta".

    Raises
    ------
    UsageError : it is not installed; names the command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"'{wanted_by}' needs the library '{module}', which cannot be imported ({error}). "
            "To do: pip install 'radstudy[selection]'"
        ) from None
