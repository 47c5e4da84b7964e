"""The codebook beside the table: what is proposed for a column, and what a confirmed variable writes."""

import pytest

from radstudy.app.lead.codebook_page import NewVariable, add_variable, proposals_of, study_version
from radstudy.app.lead.cohort_table import read_table_sheet
from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.projects import Project
from radstudy.protocol.template import write_template


@pytest.mark.parametrize(
    ("cells", "kind", "levels"),
    [
        (["63,5", "58", "44", "51"], "number", ("44", "51", "58", "63,5")),
        (["0", "1", "1", "0"], "levels", ("0", "1")),
        (["II", "I", "", "II"], "levels", ("I", "II")),
        (["", "", "", ""], "text", ()),
        (["a", "a", "a", ""], "text", ()),
        (["1,234", "2", "3", "4"], "levels", ("1,234", "2", "3", "4")),
    ],
)  # fmt: skip
def test_a_column_is_proposed_by_what_occurs_in_it(project, cells, kind, levels):
    rows = [f"P{n};{n % 2};{('training', 'testing')[n // 2]};{cell}\n" for n, cell in enumerate(cells)]
    (project.folder / "cohort.csv").write_text("id;y;set;new\n" + "".join(rows))
    protocol = protocol_of(project)
    [proposal] = proposals_of(protocol, read_table_sheet(project, protocol))
    assert (proposal.column, proposal.kind, proposal.levels) == ("new", kind, levels)


def test_a_variable_joins_those_of_the_preset_which_are_written_out(tmp_path):
    write_template(tmp_path)
    project = Project(tmp_path / "study.yaml")
    before = protocol_of(project).cohort.clinical
    saved = add_variable(project, study_version(project), NewVariable("menopause", levels=("pre", "post")))
    assert saved.is_written, saved.problems
    after = protocol_of(project).cohort.clinical
    assert {name: after[name] for name in before} == before
    assert list(after) == [*before, "menopause"]
    assert after["menopause"].levels == ("pre", "post")
