"""The transformer: scikit-learn's rules, and the values of single calls."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

import radstudy
from radstudy import FeatureExtractor
from radstudy.errors import CaseError, StudyFileError, UsageError
from unit.batch.lesions import NAMES, SETTINGS, write_lesions


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_lesions(tmp_path_factory.mktemp("lesions"))


def test_it_gives_the_values_of_single_calls(table):
    values = FeatureExtractor(SETTINGS, jobs=1).fit_transform(table)
    single = [
        list(radstudy.extract(*row[:2], SETTINGS, label=row[2]).values()) for row in table.itertuples(index=False)
    ]
    assert values.tolist() == single


def test_it_gives_dataframes_with_the_table_s_index(table):
    cases = table.rename(columns={"image": "t2", "label": "number"}).assign(age=50).set_index(pd.Index(list("abcd")))
    extractor = FeatureExtractor(SETTINGS, image="t2", label="number", jobs=1).set_output(transform="pandas")
    frame = extractor.fit_transform(cases)
    assert list(frame.columns) == NAMES == list(extractor.get_feature_names_out())
    assert list(frame.index) == list("abcd")


def test_it_stands_in_a_pipeline_that_can_be_cloned(table):
    pipeline = make_pipeline(FeatureExtractor(SETTINGS, jobs=1), StandardScaler(), LogisticRegression())
    copy = clone(pipeline).fit(table, [0, 1, 0, 1])
    assert copy[0].get_params() == pipeline[0].get_params() and copy.predict(table).shape == (4,)
    assert list(copy[:-1].get_feature_names_out()) == NAMES


@pytest.mark.parametrize(
    "check",
    ["check_no_attributes_set_in_init", "check_get_params_invariance", "check_set_params", "check_estimator_repr",
     "check_estimator_cloneable", "check_valid_tag_types",
     "check_parameters_default_constructible", "check_mixin_order"],
)  # fmt: skip
def test_scikit_learns_checks_of_what_reads_no_numbers(check):
    getattr(estimator_checks, check)("FeatureExtractor", FeatureExtractor())


def test_what_fails_is_an_error_or_nan_as_asked(table):
    cases = table.copy()
    cases.loc[2, "mask"] = "nowhere.nii.gz"
    extractor = FeatureExtractor(SETTINGS, jobs=1).fit(cases)
    with pytest.raises(CaseError, match="does not exist"):
        extractor.transform(cases)
    with pytest.warns(UserWarning, match="1 of 4 cases have no features"):
        values = extractor.set_params(on_failure="nan").transform(cases)
    assert np.isnan(values).all(axis=1).tolist() == [False, False, True, False]


def test_wrong_use_is_told(table):
    with pytest.raises(NotFittedError):
        FeatureExtractor().transform(table)
    with pytest.raises(NotFittedError):
        FeatureExtractor().get_feature_names_out()
    with pytest.raises(UsageError, match=r"no column t2: its columns are image, mask, label\. Name them by"):
        FeatureExtractor(image="t2").fit(table)
    with pytest.raises(UsageError, match="give a DataFrame of paths"):
        FeatureExtractor().fit(np.zeros((3, 2)))
    with pytest.raises(UsageError, match="choose from nan, raise"):
        FeatureExtractor(on_failure="drop").fit(table)
    with pytest.raises(StudyFileError):
        FeatureExtractor({"setting": {"binWidht": 5}}).fit(table)
