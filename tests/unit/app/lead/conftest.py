"""A small study in a folder of studies."""

import pytest

from radstudy.app.lead.projects import Projects
from unit.app.pages.conftest import write_study


@pytest.fixture
def projects(tmp_path):
    """A folder with one study."""
    write_study(tmp_path / "small")
    return Projects(tmp_path)


@pytest.fixture
def project(projects):
    """That study."""
    return projects.all()[0]
