"""A prediction is refused where the patient is unlike those who trained the model, with every reason at once."""

import json
import math
import re
import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CaseError, CohortError, RadstudyError, RefusedError
from radstudy.formats.raster import write_raster
from radstudy.signature.document import read_signature, write_signature
from radstudy.signature.predict import predict_patient
from radstudy.signature.prediction_page import prediction_page


def refused(signature, given):
    """The message of a refusal with exit code 5."""
    with pytest.raises(RefusedError) as caught:
        predict_patient(signature, **given)
    assert caught.value.exit_code == 5
    return str(caught.value)


def kinds(error):
    return [finding.kind for finding in error.findings if finding.refuses]


def test_a_patient_of_the_study_has_its_own_probability_and_no_finding(small, signature, patient):
    scores = pd.read_csv(small / "run" / "model" / "predictions.csv", dtype={"patient": str})
    own = scores[scores["model"] == "both"].set_index("patient")["probability"]
    table = pd.read_csv(small / "cohort.csv").set_index("id")
    for number in (0, 6, 15):
        given = patient(number)
        given["clinical"]["margin"] = table.at[f"p{number}", "margin"]
        made = predict_patient(signature, **given)
        assert made.probability == pytest.approx(own[f"p{number}"], rel=1e-9)
        assert made.findings == ()


def test_swapped_sequences_are_refused_and_every_sign_of_it_is_named(signature, patient, tmp_path):
    given = patient(0)
    for kind in ("images", "masks"):
        first, second = given[kind]["T2"], given[kind]["DWI"]
        given[kind] = {
            "T2": shutil.copy(second, tmp_path / f"{kind}1.nii.gz"),
            "DWI": shutil.copy(first, tmp_path / f"{kind}2.nii.gz"),
        }
    message = refused(signature, given)
    assert "T2 has a voxel spacing of 1.5 x 1.5 x 3 mm" in message and "training had 1 x 1 x 3" in message
    assert "DWI has a voxel spacing of 1 x 1 x 3 mm" in message
    assert "DWI has a matrix of" not in message  # 24 of 16 is within the factor of 1.5
    assert "T2:original_firstorder_Mean = " in message and "the model's 3 numbers together are 17.8" in message
    assert "to the log-odds" in message and "--outside-range" in message


def test_an_impossible_age_is_refused_with_the_range_of_training(signature, patient):
    for age in ("590", "-3"):
        given = patient(2)
        given["clinical"]["age"] = age
        message = refused(signature, given)
        assert f"--clinical age={age}: training had 40 to 69 (refused below 5.36009 and above 103.64)" in message
        assert "firstorder" not in message
    for age in ("36", "74"):  # outside the training range and within the bound
        given["clinical"]["age"] = age
        item = next(c for c in predict_patient(signature, **given).contributions if c.name == "clinical:age")
        assert item.outside_training


def test_sequences_of_two_patients_are_refused_by_where_the_lesions_lie(signature, patient):
    given, other = patient(0), patient(7)
    for kind in ("images", "masks"):
        given[kind]["DWI"] = other[kind]["DWI"]
    message = refused(signature, given)
    apart = re.search(r"the lesions on T2 and DWI are ([0-9.]+) mm apart in scanner coordinates", message)
    assert float(apart[1]) == pytest.approx(np.linalg.norm([40.0 * 2, 30.0 * 1, 10.0 * 7]), abs=1)
    assert "training had up to 0.3 mm, and more than 5.3 mm is refused" in message


def test_lesions_of_unlike_volume_are_refused(signature, patient, tmp_path):
    given = patient(0)
    mask = nibabel.load(given["masks"]["DWI"])
    voxels = np.asarray(mask.dataobj).copy()
    inside = np.argwhere(voxels)
    voxels[tuple(inside[inside[:, 2] != np.median(inside[:, 2])].T)] = 0  # one slice of it is left
    write_raster(tmp_path / "DWI_a.nii.gz", voxels, mask.affine)
    given["masks"]["DWI"] = tmp_path / "DWI_a.nii.gz"
    message = refused(signature, given)
    assert "a ratio of" in message and "the lesion on DWI has" in message


def test_one_image_for_two_sequences_is_refused_however_it_is_stored(signature, patient, tmp_path):
    given = patient(0)
    image = nibabel.load(given["images"]["T2"])
    nibabel.save(image, tmp_path / "second.nii")  # other bytes, the same voxels
    given["images"]["DWI"], given["masks"]["DWI"] = tmp_path / "second.nii", given["masks"]["T2"]
    message = refused(signature, given)
    assert "are the same image, voxel by voxel" in message and "second.nii" in message


def test_a_file_that_is_named_as_another_sequence_is_refused(small, signature, patient):
    given = patient(0)
    given["images"]["T2"] = small / "p0" / "DCE.nii.gz"  # the same grid and lesion
    message = refused(signature, given)
    assert f"--image T2={small / 'p0' / 'DCE.nii.gz'}: the file's name says DCE" in message


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"role": "DCE"}, {}, "wrote this file as DCE"),
        ({"patient": "R-1"}, {"patient": "R-2"}, "are of two patients"),
        ({"places": {"examination": "a"}}, {"places": {"examination": "b"}}, "are of two examinations"),
    ],
)
def test_what_the_import_wrote_beside_the_images_is_believed(signature, patient, tmp_path, first, second, says):
    given = patient(0)
    for name, record in (("T2", first), ("DWI", second)):
        given["images"][name] = shutil.copy(given["images"][name], tmp_path / f"{name}.nii.gz")
        whole = {"made_by": "radstudy import 0", "role": name, **record}
        (tmp_path / f"{name}.json").write_text(json.dumps(whole), encoding="utf-8")
    assert says in refused(signature, given)


@pytest.mark.parametrize(
    ("argument", "name", "says"),
    [
        ("clinical", "agee", "--clinical agee: the model does not know 'agee'; did you mean 'age'?"),
        ("clinical", "height", "--clinical height: the study has 'height', but this model does not use it"),
        ("images", "DCE", "--image DCE: the study has 'DCE', but this model does not use it"),
        ("masks", "dwi", "--mask dwi: the model does not know 'dwi'; did you mean 'DWI'?"),
        ("references", "T2", "--reference T2: the study did not scale its images by a reference tissue. Leave it out"),
    ],
)  # fmt: skip
def test_an_argument_that_the_model_does_not_use_is_refused(signature, patient, argument, name, says):
    given = patient(0)
    given[argument] = {**given.get(argument, {}), name: "1"}
    assert says in refused(signature, given)


def test_all_wrong_values_are_named_at_once(signature, patient):
    given = patient(0)
    del given["masks"]["DWI"]
    given["clinical"] = {"age": "590", "margin": "ragged", "hight": "170"}
    message = refused(signature, given)
    for part in ("--mask DWI=FILE is missing", "--clinical age=590", "--clinical margin=ragged", "--clinical hight"):
        assert part in message
    for text in ("nan", "inf", "5_4", "fifty", ""):
        given = patient(0)
        given["clinical"] = {"age": text, "margin": "ragged"}
        message = refused(signature, given)
        assert f"--clinical age={text}: this is not a number" in message and "--clinical margin=ragged" in message


def test_all_files_that_cannot_be_read_are_named_at_once(signature, patient, tmp_path):
    given = patient(0)
    given["images"] = {name: tmp_path / f"{name}.nii.gz" for name in ("T2", "DWI")}
    with pytest.raises(CohortError) as caught:
        predict_patient(signature, **given)
    assert all(f"{name}.nii.gz" in str(caught.value) for name in ("T2", "DWI"))
    given["images"]["T2"] = patient(0)["images"]["T2"]
    with pytest.raises(CaseError, match=r"DWI\.nii\.gz"):
        predict_patient(signature, **given)


def test_the_user_may_go_on_and_the_reasons_stand_above_the_probability(signature, patient):
    given = patient(2)
    given["clinical"]["age"] = "590"
    made = predict_patient(signature, **given, outside_range=True)
    text = made.as_text()
    assert text.index("DIFFERS FROM THE PATIENTS THAT THE MODEL WAS TRAINED ON") < text.index("--clinical age=590")
    assert text.index("--clinical age=590") < text.index("Probability of y = 1: ")
    answer = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert answer["outside_range"] is True and answer["refused"] is False
    assert (answer["findings"][0]["kind"], answer["findings"][0]["value"]) == ("clinical", 590.0)


def test_a_signature_of_an_earlier_version_is_read_and_says_what_it_cannot_check(small, patient, tmp_path):
    document = json.loads((small / "run" / "signature.json").read_text(encoding="utf-8"))
    document["format"] = "radstudy signature 1"
    for later in ("training_distribution", "hash", "test_vector", "refits", "settings", "performance", "cohort"):
        del document[later]
    (tmp_path / "old.json").write_text(json.dumps(document), encoding="utf-8")
    old = read_signature(tmp_path / "old.json")
    made = predict_patient(old, **patient(0))
    assert (
        made.probability == predict_patient(read_signature(small / "run" / "signature.json"), **patient(0)).probability
    )
    (finding,) = made.findings
    assert not finding.refuses and "not checked" in finding.message
    assert (
        "the voxel spacing and matrix of T2" in finding.message
        and "distance and volume ratio of the lesions on T2 and DWI" in finding.message
    )
    assert finding.message in made.as_text()
    given = patient(0)
    given["clinical"]["age"] = "590"
    assert "--clinical age=590" in refused(old, given)  # the range of each term was always there


def test_a_probability_that_is_only_rounded_to_1_is_not_printed_as_1(signature, patient):
    given = patient(2)
    given["clinical"]["age"] = "-900"
    assert ": above 0.999 (" in predict_patient(signature, **given, outside_range=True).as_text()


def test_the_command_refuses_with_5_and_its_json_has_the_findings(small, patient, capsys, monkeypatch):
    from radstudy import cli

    given = patient(0)
    arguments = ["radstudy", "predict", str(small / "run" / "signature.json"), "--json"]
    for option, kind in (("--image", "images"), ("--mask", "masks")):
        for name, file in given[kind].items():
            arguments += [option, f"{name}={file}"]
    arguments += ["--clinical", "margin=smooth", "--clinical"]

    def called(*more):
        monkeypatch.setattr("sys.argv", [*arguments, *more])
        with pytest.raises(SystemExit) as done:
            cli.main()
        told = capsys.readouterr()
        return done.value.code or 0, json.loads(told.out) if told.out else {}, told.err

    code, answer, error = called("age=590")
    assert code == 5 and "--clinical age=590" in error
    assert answer["refused"] is True and answer["probability"] is None
    assert answer["findings"][0]["high"] == 69.0 and answer["findings"][0]["bound_high"] == pytest.approx(
        69 + 29 * math.log(3 / (0.005 * 19)) / math.log(18)
    )
    code, answer, _ = called("age=590", "--outside-range")
    assert code == 0 and 0 <= answer["probability"] <= 1 and answer["findings"][0]["value"] == 590.0
    assert called("age=50")[1]["findings"] == []


def test_damaged_distributions_are_refused_by_name(small, tmp_path):
    document = json.loads((small / "run" / "signature.json").read_text(encoding="utf-8"))
    for damage in ({"images": None}, {"pairs": [{"first": "T2"}]}, {"joint": {"names": ["x"]}}, {"widened": -1.0}):
        broken = {**document, "training_distribution": {**document["training_distribution"], **damage}}
        (tmp_path / "s.json").write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(RadstudyError, match="is a damaged signature"):
            read_signature(tmp_path / "s.json")


def test_a_signature_with_a_limit_that_no_image_has_is_refused_as_damaged(small, tmp_path):
    document = json.loads((small / "run" / "signature.json").read_text(encoding="utf-8"))
    document["extract"]["minimum_voxels"] = 1 << 70
    (tmp_path / "s.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RefusedError, match="is a damaged signature: 'extract, minimum_voxels' cannot be used"):
        read_signature(tmp_path / "s.json")


@pytest.mark.parametrize("features", [{"frstorder": None}, {"firstorder": ["nan"]}])
def test_a_signature_whose_settings_name_what_is_not_there_is_refused_as_damaged(small, tmp_path, features):
    document = json.loads((small / "run" / "signature.json").read_text(encoding="utf-8"))
    document["extract"]["features"] = features
    (tmp_path / "s.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RefusedError, match=r"is a damaged signature: 'extract' cannot be used.*did you mean"):
        read_signature(tmp_path / "s.json")


def test_what_training_was_like_stands_in_the_signature(small, signature, tmp_path):
    document = json.loads((small / "run" / "signature.json").read_text(encoding="utf-8"))
    found = document["training_distribution"]
    rows = pd.read_csv(small / "run" / "cohort" / "rows.csv")
    training = rows.loc[rows["set"] == "training", "patient"]
    lesions = pd.read_csv(small / "run" / "prepare" / "lesions.csv")
    both = lesions[lesions["patient"].isin(training)].set_index(["sequence", "patient"])
    volumes = both.loc["T2", "volume_mm3"]
    assert found["volumes_mm3"]["T2"] == {"count": len(training), "low": volumes.min(), "high": volumes.max()}
    assert [axis["high"] for axis in found["images"]["DWI"]["matrix"]] == [16, 15, 10]
    assert [axis["low"] for axis in found["images"]["DWI"]["spacing_mm"]] == [1.5, 1.5, 3]
    assert found["sequences"] == ["T2", "DWI", "DCE"] and found["variables"] == ["age", "margin", "height"]
    axes = ["centre_right_mm", "centre_anterior_mm", "centre_superior_mm"]
    apart = np.linalg.norm(both.loc["T2", axes] - both.loc["DWI", axes], axis=1)
    assert found["pairs"][0]["distance_mm"]["high"] == pytest.approx(apart.max())
    write_signature(signature, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8")) == document


def test_where_the_last_digit_of_a_coordinate_decides_what_n4_samples_it_is_said_beside_the_probability(
    signature, patient
):
    corrected = replace(signature, prepare=({"n4": {"shrink": [1, 1, 2], "iterations": [2]}},))
    prediction = predict_patient(corrected, **patient(0), outside_range=True)
    (tied,) = [one for one in prediction.findings if one.kind == "sampling"]
    assert "T2 along K (10 voxels) and DWI along K (10 voxels)" in tied.message and not tied.refuses
    assert f"Look at this first: {tied.message}" in prediction.as_text()
    assert tied.as_dict() in prediction.as_dict()["findings"]
    assert "DWI along K (10 voxels)" in prediction_page(prediction)
    assert not [one for one in predict_patient(signature, **patient(0)).findings if one.kind == "sampling"]
