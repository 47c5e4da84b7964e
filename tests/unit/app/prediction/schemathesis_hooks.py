"""A check for schemathesis, which imports this module in a process of its own: no answer names a path of the server."""

import os
import re
import tempfile
from pathlib import Path

import schemathesis

PLACES = (*os.environ["RADSTUDY_PLACES"].split(os.pathsep), str(Path.home()), tempfile.gettempdir())
NAMED = re.compile("|".join(re.escape(place) for place in PLACES) + r"|Traceback|radstudy-serve-|\.py\b")
API = ("/health", "/signature", "/predict")


@schemathesis.check
def no_path_of_the_server(ctx, response, case):
    """Raise if an answer of the API names a folder of the server or a line of its code."""
    if case.path.startswith(API):
        assert not NAMED.search(response.text), response.text[:2_000]
