"""Optional libraries that only some settings need; if one is missing, the error names the command to install it."""

from __future__ import annotations

import importlib
from typing import Any

from radstudy.errors import UsageError


def required(module: str, wanted_by: str) -> Any:
    """Import a module of the extra `selection`.

    Parameters
    ----------
    module : such as "boruta".
    wanted_by : the setting that needs it, such as "select.boruta".

    Raises
    ------
    UsageError : the module is not installed; the message names the command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"'{wanted_by}' needs the library '{module}', which cannot be imported ({error}). "
            "To do: pip install 'radstudy[selection]'"
        ) from None
