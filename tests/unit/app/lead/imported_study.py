"""A study whose import has questions: two women with two T2-weighted series each, one with a second examination."""

import csv
import shutil
from dataclasses import replace

from radstudy.app.lead.projects import STUDY, Project
from radstudy.intake.csv_rows import read_rows, write_rows
from radstudy.intake.run import Options, run_import
from radstudy.intake.sources import open_source
from unit.intake import synthetic

WOMEN = {"HOSP-4711": "MUSTERMANN^ERIKA", "HOSP-4712": "LEFEVRE^HELENE", "HOSP-4713": "WANG^XIAOPING"}
SECRETS = ("HOSP-47", "MUSTERMANN", "ERIKA", "LEFEVRE", "XIAOPING", "19560704")


def write_source(folder):
    """The DICOM files: T2 twice in two women; the third has one T2, twice examined."""
    for number, (patient, name) in enumerate(WOMEN.items()):
        own = {"patient": patient, "name": name}
        scans = [replace(synthetic.t2(), **own), replace(synthetic.dynamic(3), **own)]
        if number < 2:
            twin = synthetic.t2(number=9, uid="twin")
            scans.append(replace(twin, **own, tags={**twin.tags, "SeriesDescription": "T2 TSE REPEATED"}))
        else:
            scans.append(replace(synthetic.t2(), **own, study="two", uid="later",
                                 tags={**synthetic.t2().tags, "StudyDate": "20250101"}))  # fmt: skip
        synthetic.write(folder / f"case{number}", *scans)
    return folder


def import_study(folder):
    """The study, imported in this process."""
    project = Project(folder / "study" / STUDY)
    run_import(open_source(str(write_source(folder / "in"))), Options(project.images, project.private))
    return project


def copy_of(project, folder):
    """A copy of the study, beside the same source."""
    shutil.copytree(project.folder, folder / "study")
    (folder / "in").symlink_to(project.folder.parent / "in")
    return Project(folder / "study" / STUDY)


def import_again(project):
    """Repeat the import, as the page has the command do."""
    source = open_source(str(project.folder.parent / "in"))
    return run_import(source, Options(project.images, project.private))


def pseudonyms(project):
    """PatientID to pseudonym."""
    with (project.private / "pseudonyms.csv").open(encoding="utf-8") as file:
        return {row["patient_id"]: row["pseudonym"] for row in csv.DictReader(file)}


def add_drawings(project, rows):
    """Questions on masks, as the import writes them: (patient, mark, folder, region on roles)."""
    review = read_rows(project.images / "review.csv")
    columns = list(review[0])
    for patient, mark, _, description in rows:
        review.append({**dict.fromkeys(columns, ""), "patient": patient, "kind": "mask", "description": description,
                       "reason": "2 drawings: write the reader into the column", "volume": f"m{mark}"})  # fmt: skip
    write_rows(project.images / "review.csv", columns, review)
    names = ["patient", "role", "name", "label", "reader", "kind", "placed", "file", "note", "reason", "source",
             "creator", "description", "drawing", "voxels"]  # fmt: skip
    masks = [{**dict.fromkeys(names, ""), "patient": patient, "role": "T2WI", "name": "Tumor", "kind": "SEG",
              "source": source, "description": "Segmentation", "drawing": f"{mark}.dcm", "reason": "2 drawings"}
             for patient, mark, source, _ in rows]  # fmt: skip
    write_rows(project.images / "masks.csv", names, masks)
