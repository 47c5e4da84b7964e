"""A signature.json that is damaged, or whose parts do not fit each other, is refused by its name before it is used."""

import json

import pytest

from hostile.format_kinds import signature
from radstudy.errors import RefusedError
from radstudy.signature.document import read_signature


def read(folder, content):
    (folder / "s.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_signature(folder / "s.json")


def changed(*path_and_value):
    *path, value = path_and_value
    document = json.loads(signature())
    node = document
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return document


def test_the_signature_that_is_damaged_below_is_sound(tmp_path):
    assert read(tmp_path, signature()).sequences == ("T2",)


@pytest.mark.parametrize(
    ("path_and_value", "says"),
    [
        (("notice", 1e308), "'notice' is not text"),
        (("study", None), "'study' is not text"),
        (("outcome", "y"), "'outcome' does not contain"),
        (("outcome", {"positive": "pos"}), "'outcome' has no 'label'"),
        (("sequences", "T2"), "'sequences' is not a list"),
        (("sequences", [["T2"]]), "'sequences' is not a list of different names"),
        (("sequences", []), "'T2:original_firstorder_Mean' belongs to no sequence"),
        (("clinical", []), "'clinical' does not contain"),
        (("clinical", {}), "'clinical:age' belongs to no sequence"),
        (("clinical", "er", "levels", ["b", "a"]), "'clinical:er=b' belongs to no sequence"),
        (("clinical", "er", {"levels": ["a"]}), "'clinical, er"),
        (("prepare", [5]), "'prepare, step 1' cannot be used"),
        (("prepare", [{"rescale": {"to": [0, "nan"], "from": "minmax"}}]), "'prepare, step 1"),
        (("extract", "bin_width", -1), "'extract, bin_width' cannot be used"),
        (("extract", "bin_width", 1e308), "'extract, bin_width' cannot be used"),
        (("extract", "images", "wavelet", 7), "'extract, images.wavelet' cannot be used"),
        (("cutoff", -1), "'cutoff' is not a probability"),
        (("cutoff", "high"), "damaged signature"),
        (("formula", "intercept", float("nan")), "the intercept is nan"),
        (("formula", "terms", 0, "training_range", [5, 1]), "the training range"),
        (("formula", "terms", 0, "imputation", float("inf")), "the imputation"),
        (("formula", "terms", 0, "scale", 0), "no finite centre"),
        (("formula", "terms", 1, "name", "T2:original_firstorder_Mean"), "a term appears twice"),
        (("study", "\ud800"), "is not a signature"),
    ],
)
def test_a_part_that_is_not_what_it_should_be_is_refused_by_name(tmp_path, path_and_value, says):
    with pytest.raises(RefusedError, match=r"s\.json is ") as error:
        read(tmp_path, changed(*path_and_value))
    assert says in str(error.value)


def test_a_signature_that_rests_on_a_parameter_file_is_named(tmp_path):
    with pytest.raises(RefusedError, match=r"s\.json was made with a PyRadiomics parameter file"):
        read(tmp_path, changed("extract", "params", "params.yaml"))


def test_parts_within_each_other_without_end_are_refused(tmp_path):
    with pytest.raises(RefusedError, match="too deep"):
        read(tmp_path, signature()[:-1] + b', "z": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_a_long_signature_is_refused_until_the_bound_is_raised(tmp_path, monkeypatch):
    monkeypatch.setenv("RADSTUDY_MAX_SIGNATURE_MB", "0.001")
    with pytest.raises(RefusedError, match=r"at most 0.001 MB are read.*RADSTUDY_MAX_SIGNATURE_MB"):
        read(tmp_path, signature())
