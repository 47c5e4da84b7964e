"""A patient's examination from DICOM: the numbers of the import's files, and what is refused without guessing."""

import json
import tempfile
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.errors import DataError, RefusedError, UsageError
from radstudy.formats.dicom_seg_write import read_source_series, write_dicom_seg
from radstudy.intake.run import Options, run_import
from radstudy.intake.sources import open_source
from radstudy.modelling.models import LinearForm, Term
from radstudy.modelling.refits.forms import RawForm
from radstudy.protocol.sections import Extract
from radstudy.signature.document import Signature, write_signature
from radstudy.signature.examination import DicomRequest, imported_examination
from radstudy.signature.predict import predict_patient
from radstudy.signature.refits import RefittedForms
from unit.intake import synthetic

BOX = np.zeros((20, 16, 6), bool)
BOX[6:12, 5:10, 1:4] = True
T2 = synthetic.t2(size=(16, 20))
DYNAMIC = synthetic.dynamic(size=(16, 20))


def signature(*sequences):
    """The sum of the means, two hundred apart, of an original image."""
    terms = tuple(
        Term(f"{name}:original_firstorder_Mean", None, 900.0, 200.0, 1.0, (0.0, 5000.0)) for name in sequences
    )
    extract = Extract(images={"original": True, "log_sigma_mm": [], "wavelet": None}, spacing_mm=None,
                      features={"firstorder": ["Mean"]}, minimum_voxels=1)  # fmt: skip
    return Signature(
        study="a study", model="both", notice="", outcome={"positive": "1", "negative": "0", "label": "y"},
        form=LinearForm(0.0, terms), cutoff=0.5, sequences=tuple(sequences), clinical={}, prepare=(),
        extract=extract.deciding_features(),
        training={"lesions": 20, "patients": 20, "positive": 9, "rows_hash": "x"}, versions={"radstudy": "0"},
    )  # fmt: skip


def drawn(folder, scan, *, names=("Tumour",), file="seg.dcm", phase=None):
    alone = folder.with_name(f"alone-{file}")
    synthetic.write(alone, scan)
    write_dicom_seg(folder / file, [(name, BOX) for name in names], read_source_series(alone, phase))


@pytest.fixture
def examination(tmp_path):
    folder = tmp_path / "in"
    synthetic.write(folder, T2, DYNAMIC)
    drawn(folder, T2, file="t2.dcm")
    drawn(folder, DYNAMIC, file="dce.dcm", phase=1)
    return folder


def predicted(model, folder, *, images=(), masks=(), **request):
    asked = DicomRequest(str(folder), **request)
    with imported_examination(model, asked, images=dict(images), masks=dict(masks)) as seen:
        files = {"images": {**seen.images, **dict(images)}, "masks": {**seen.masks, **dict(masks)}}
        return predict_patient(model, **files, clinical={}, outside_range=True)


def mean_of(scan, volume):
    """By numpy, of the pixels as they were written; BOX is indexed column, row, slice."""
    slices = np.stack([scan.pixels(volume, number) for number in range(scan.slices)], axis=-1)
    return slices.transpose(1, 0, 2)[BOX].mean()


def test_the_probability_is_that_of_the_imports_files_and_the_means_are_numpys(examination, tmp_path):
    model = signature("T2WI", "DCE3")
    from_dicom = predicted(model, examination)
    values = {item.name: item.value for item in from_dicom.contributions}
    assert values == {
        "T2WI:original_firstorder_Mean": pytest.approx(mean_of(T2, T2.volumes[0]), rel=1e-12),
        "DCE3:original_firstorder_Mean": pytest.approx(mean_of(DYNAMIC, DYNAMIC.volumes[2]), rel=1e-12),
    }
    out = tmp_path / "out"
    (plan,) = run_import(open_source(str(examination)), Options(out, tmp_path / "private")).plans
    files = {kind: {name: out / plan.name / text.format(name) for name in model.sequences}
             for kind, text in (("images", "{}.nii.gz"), ("masks", "masks/{}_Tumour.nii.gz"))}  # fmt: skip
    assert from_dicom.probability == predict_patient(model, **files, clinical={}, outside_range=True).probability


def test_a_role_may_have_another_name_and_files_beside_the_source_come_first(examination, tmp_path):
    model = signature("anatomy")
    own = predicted(model, examination, roles={"anatomy": "T2WI"})
    assert own.contributions[0].value == pytest.approx(mean_of(T2, T2.volumes[0]))
    mask = examination / "t2.dcm"
    given = predicted(model, examination, masks={"anatomy": mask}, roles={"anatomy": "T2WI"})
    assert given.probability == own.probability
    with pytest.raises(RefusedError, match="--role other=T2WI: the model 'both' does not use other"):
        predicted(model, examination, roles={"other": "T2WI"})


def test_nothing_of_the_patient_is_left(examination, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asked = DicomRequest(str(examination))
    with imported_examination(signature("T2WI"), asked, images={}, masks={}) as seen:
        (folder,) = tmp_path.glob("radstudy-examination-*")
        assert folder.stat().st_mode & 0o077 == 0
        assert seen.images["T2WI"].is_relative_to(folder)
    with pytest.raises(RefusedError):
        predicted(signature("ADC"), examination)
    assert not list(tmp_path.glob("radstudy-examination-*"))


def test_everything_that_is_missing_is_told_at_once(examination):
    with pytest.raises(RefusedError) as told:
        predicted(signature("ADC", "T2WI", "DCE9"), examination)
    text = str(told.value)
    assert "--image ADC=FILE is needed: no series has the role ADC; there are DCE1, DCE2, DCE3, DCE4, T2WI" in text
    assert "--image DCE9=FILE" in text and "--mask DCE9=FILE is needed: the source has no drawing on DCE9" in text
    assert "T2WI=FILE" not in text
    assert T2.name not in text and T2.patient not in text


def test_of_several_drawings_none_is_guessed(tmp_path):
    folder = tmp_path / "in"
    synthetic.write(folder, T2)
    drawn(folder, T2, names=("Tumour", "node"))
    with pytest.raises(RefusedError, match=r"there are 2 drawings on T2WI \(Tumour, node\); choose one by --region"):
        predicted(signature("T2WI"), folder)
    assert predicted(signature("T2WI"), folder, region="node").contributions[0].value == mean_of(T2, T2.volumes[0])
    with pytest.raises(RefusedError, match="no drawing on T2WI is that of --reader or --region"):
        predicted(signature("T2WI"), folder, region="cyst")


def test_two_patients_are_refused(examination):
    synthetic.write(examination, replace(T2, patient="HOSP-2", name="OTHER^ONE"))
    with pytest.raises(RefusedError, match="the source holds 2 patients, and a prediction is for one") as told:
        predicted(signature("T2WI"), examination)
    assert "HOSP" not in str(told.value)


def test_of_several_examinations_none_is_guessed(examination):
    synthetic.write(examination, replace(T2, study="two"))
    with pytest.raises(RefusedError, match="choose one by --examination first or last"):
        predicted(signature("T2WI"), examination)


def test_a_source_without_images_and_a_model_without_images_are_refused(examination, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no MR image"):
        predicted(signature("T2WI"), tmp_path / "empty")
    with pytest.raises(UsageError, match="no such folder"):
        predicted(signature("T2WI"), tmp_path / "nothing")
    with pytest.raises(RefusedError, match="was made without images"):
        predicted(replace(signature(), form=LinearForm(0.0, ())), examination)
    with pytest.raises(RefusedError, match="from a table of features"):
        predicted(replace(signature("T2WI"), extract={"from_feature_table": True}), examination)


def test_what_only_the_refits_use_comes_along_where_it_is_certain(examination):
    form = RawForm(0.0, ("DCE2:original_firstorder_Mean",), np.array([0.001]), np.array([np.nan]))
    model = replace(signature("T2WI"), refits=RefittedForms(1, 0.95, (form,)))
    with imported_examination(model, DicomRequest(str(examination)), images={}, masks={}) as seen:
        assert set(seen.images) == set(seen.masks) == {"T2WI", "DCE2"}


def test_the_command(examination, tmp_path):
    write_signature(signature("T2WI"), tmp_path / "signature.json")
    arguments = ["predict", str(tmp_path / "signature.json"), "--outside-range", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--dicom", str(examination)])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["contributions"][0]["value"] == pytest.approx(mean_of(T2, T2.volumes[0]))
    wrong = CliRunner().invoke(app, [*arguments, "--region", "Tumour"])
    assert isinstance(wrong.exception, UsageError) and "belong to --dicom" in str(wrong.exception)
