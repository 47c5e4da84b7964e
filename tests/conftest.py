"""What all tests share."""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def real_data_folder() -> Path:
    """Where the real images are: RADSTUDY_REAL_DATA, or the folder shared/data beside the checkout."""
    return Path(os.environ.get("RADSTUDY_REAL_DATA", REPOSITORY.parent / "shared" / "data")).resolve()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images; the test is skipped where there is none, and fails where there must be one."""
    folder = real_data_folder()
    if not folder.is_dir():
        message = f"no real data at {folder} (set RADSTUDY_REAL_DATA)"
        if os.environ.get("RADSTUDY_REQUIRE_REAL_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(autouse=True)
def _as_a_library():
    """A test that ran the command line in this process must not move the work of the next into other processes."""
    if parallel := sys.modules.get("radstudy.parallel"):
        parallel.local._Program.apart = False
        parallel.use(parallel.LOCAL)
