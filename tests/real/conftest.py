"""What the tests on real data share."""

import pytest

from radstudy.intake.run import Options, run_import
from radstudy.intake.sources import Folder


@pytest.fixture(scope="session")
def patient(real_data, tmp_path_factory):
    """The real breast patient, imported: the folder of the volumes and masks. Nothing is to be written into it."""
    out = tmp_path_factory.mktemp("import") / "out"
    outcome = run_import(Folder(real_data / "breast_dce"), Options(out, out.with_name("private")))
    assert outcome.failures == ()
    (plan,) = outcome.plans
    return out / plan.name
