"""No command replaces a file that it did not write itself, in the content that it gave it."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.demo.cohort import make
from radstudy.errors import UsageError
from radstudy.provenance import StepFolder
from radstudy.store import write_text

RECIPE = "patient: id\nadc: {images: {0: b0, 800: b800}}\n"


@pytest.fixture
def lesion(tmp_path: Path) -> Path:
    """A folder with image.nii.gz, mask.nii.gz and a parameter file that asks for one class of features."""
    voxels = np.random.default_rng(9).integers(0, 500, (16, 16, 8)).astype(np.int16)
    mask = np.zeros(voxels.shape, np.uint8)
    mask[4:11, 4:11, 2:6] = 1
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / "image.nii.gz")
    nib.save(nib.Nifti1Image(mask, np.eye(4)), tmp_path / "mask.nii.gz")
    (tmp_path / "params.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean]}\n")
    return tmp_path


def commands(folder: Path, out: str) -> dict[str, list[str]]:
    pair = ["--image", str(folder / "image.nii.gz"), "--mask", str(folder / "mask.nii.gz")]
    return {
        "extract": ["extract", *pair, "--settings", str(folder / "params.yaml"), "--out", str(folder / out)],
        "map": ["map", *pair, "--settings", str(folder / "params.yaml"), "--feature", "original_firstorder_Mean",
                "--out", str(folder / out)],
        "convert": ["mask", "convert", str(folder / "mask.nii.gz"), str(folder / out), *pair[:2]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "out"),
    [("extract", "mine.csv"), ("extract", "mine.json"), ("map", "mine.nii.gz"), ("convert", "mine.nii.gz"),
     ("convert", "mine.seg.nrrd"), ("convert", "image.nii.gz"), ("map", "image.nii.gz")],
)  # fmt: skip
def test_what_somebody_else_wrote_stays(lesion: Path, command: str, out: str) -> None:
    if not (lesion / out).exists():
        (lesion / out).write_text("my own work")
    before = (lesion / out).read_bytes()
    done = CliRunner().invoke(app, commands(lesion, out)[command])
    assert done.exit_code != 0
    assert isinstance(done.exception, UsageError)
    assert "radstudy did not write it" in str(done.exception)
    assert (lesion / out).read_bytes() == before


@pytest.mark.parametrize(("command", "out"), [("extract", "f.csv"), ("convert", "m.seg.nrrd"), ("convert", "m.mhd")])
def test_a_repeated_command_replaces_its_own_file_until_somebody_changes_it(
    lesion: Path, command: str, out: str
) -> None:
    arguments = commands(lesion, out)[command]
    for _ in range(2):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    (lesion / out).write_text("changed by hand")
    assert CliRunner().invoke(app, arguments).exit_code != 0
    assert (lesion / out).read_text() == "changed by hand"


def derive(folder: Path, out: Path) -> object:
    arguments = ["derive", str(folder / "table.csv"), "--recipe", str(folder / "recipe.yaml"), "--out", str(out)]
    return CliRunner().invoke(app, [*arguments, "--jobs", "1"])


@pytest.fixture
def diffusion(tmp_path: Path) -> Path:
    """A table of one patient with two b-values, and a recipe for their ADC."""
    voxels = np.random.default_rng(10).integers(200, 500, (6, 6, 3)).astype(np.float32)
    for name, values in (("b0.nii", voxels * 3), ("b800.nii", voxels)):
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / name)
    (tmp_path / "table.csv").write_text("id,b0,b800\np1,b0.nii,b800.nii\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def test_derive_never_replaces_a_filled_cohort_table(diffusion: Path) -> None:
    (diffusion / "cohort.csv").write_text("id,outcome\np1,1\n")
    derive(diffusion, diffusion)
    assert (diffusion / "cohort.csv").read_text() == "id,outcome\np1,1\n"
    assert not (diffusion / "p1").exists()  # refused before any work


def test_derive_replaces_its_own_table(diffusion: Path) -> None:
    for _ in range(2):
        derive(diffusion, diffusion / "out")
        assert "ADC" in (diffusion / "out" / "cohort.csv").read_text().splitlines()[0]
    (diffusion / "table.csv").write_text("id,b0,b800,more\np1,b0.nii,b800.nii,x\n")
    derive(diffusion, diffusion / "out")
    assert "more" in (diffusion / "out" / "cohort.csv").read_text()


def test_derive_takes_a_cell_that_is_too_long_to_be_a_name(diffusion: Path) -> None:
    long = ";".join(f"T2WI_reader{number}" for number in range(60))
    (diffusion / "table.csv").write_text(f"id,b0,b800,masks\np1,b0.nii,b800.nii,{long}\n")
    derive(diffusion, diffusion / "out")
    assert long in (diffusion / "out" / "cohort.csv").read_text()


def test_the_demo_refuses_a_folder_with_somebodys_cohort(tmp_path: Path) -> None:
    (tmp_path / "cohort.csv").write_text("my own table")
    with pytest.raises(UsageError, match=r"cohort\.csv: this already exists"):
        make(tmp_path, patients=107, seed=1, null=False, jobs=1)
    assert (tmp_path / "cohort.csv").read_text() == "my own table"


def test_a_step_keeps_what_somebody_has_changed_in_its_folder(tmp_path: Path) -> None:
    folder = StepFolder(tmp_path / "report")
    for content in ("first", "second", "third"):
        folder.begin()
        write_text(folder.path / "tables" / "table1.csv", content)
        write_text(folder.path / "tables" / "table2.csv", content)
        folder.finish(content, settings={}, inputs={}, seconds=0.0)
        (folder.path / "tables" / "table1.csv").write_text(f"{content}, with my remark")
    kept = sorted(file.read_text() for file in (folder.path / "tables").glob("table1.kept-*.csv"))
    assert kept == ["first, with my remark", "second, with my remark"]
    assert not list((folder.path / "tables").glob("table2.kept-*"))


def test_a_step_takes_away_what_it_wrote_before_and_no_more(tmp_path: Path) -> None:
    folder = StepFolder(tmp_path / "report")
    folder.begin()
    for name in ("figure7_decision.svg", "figure3_auc.svg", "gone.svg"):
        write_text(folder.path / "figures" / name, "drawn")
    folder.finish("key", settings={}, inputs={}, seconds=0.0)
    earlier = folder.recorded()
    (folder.path / "figures" / "figure3_auc.svg").write_text("drawn, with my arrows")
    (folder.path / "figures" / "gone.svg").unlink()
    (folder.path / "figures" / "mine.svg").write_text("my own")
    folder.remove(earlier)
    assert sorted(file.name for file in (folder.path / "figures").iterdir()) == ["figure3_auc.svg", "mine.svg"]
    (folder.path / "provenance.json").unlink()
    assert folder.recorded() == {}
