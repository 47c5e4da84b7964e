"""A command that a page has started: the command line as always, and a note of how it ended.

python -m radstudy.cli.job ENDED.json ARGUMENTS...
"""

from __future__ import annotations

import datetime
import sys
import traceback
from pathlib import Path

from radstudy.cli import main
from radstudy.store import write_json


def run_noted(ended: Path, arguments: list[str]) -> int:
    """Run a command; note its exit code and the time.

    Parameters
    ----------
    ended : the file for that.
    arguments : of `radstudy`.
    """
    sys.argv = ["radstudy", *arguments]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        write_json(ended, {"exit_code": code, "at": at})
    return code


if __name__ == "__main__":
    sys.exit(run_noted(Path(sys.argv[1]), sys.argv[2:]))
