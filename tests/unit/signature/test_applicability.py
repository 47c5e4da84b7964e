"""The bounds themselves: what is refused, what is said, and how often patients of the same population are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.models import LinearForm, Term
from radstudy.protocol.prepare import N4, Rescale
from radstudy.signature.applicability import Seen, bounds_of, check_images, check_joint, check_sampling, check_terms
from radstudy.signature.training import (
    ImageRange,
    JointRange,
    Range,
    TrainingDistribution,
    ordered_grid,
    training_distribution,
    widening,
)


def form_of(values):
    terms = tuple(
        Term(name, None, float(column.mean()), float(column.std()), 1.0, (float(column.min()), float(column.max())))
        for name, column in values.items()
    )
    return LinearForm(0.0, terms)


def population(rng, count):
    """Skewed, heavy-tailed and correlated, as radiomics features are."""
    hidden = rng.normal(size=(count, 6))
    hidden[:, 1] += 0.8 * hidden[:, 0]
    columns = {
        "T2:normal": hidden[:, 0], "T2:related": hidden[:, 1], "DWI:log": np.exp(hidden[:, 2]),
        "DWI:squares": hidden[:, 3] ** 2, "DWI:heavy": hidden[:, 4] / np.sqrt(rng.chisquare(6, count) / 6),
        "clinical:age": np.round(55 + 10 * hidden[:, 5]), "clinical:margin=rough": (rng.random(count) < 0.3) * 1.0,
    }  # fmt: skip
    index = pd.MultiIndex.from_arrays([[f"p{i}" for i in range(count)], ["1"] * count], names=["patient", "lesion"])
    return pd.DataFrame(columns, index=index)


def test_few_patients_of_the_same_population_are_refused_and_others_are():
    rng = np.random.default_rng(0)
    same = other = beyond = 0
    for _ in range(15):
        training, testing = population(rng, 74), population(rng, 40)
        form = form_of(training)
        distribution = training_distribution(
            form, training, needed=(), sequences=(), variables=(), volumes=None, lesions=None
        )
        for _, row in testing.iterrows():
            values = row.to_dict()
            found = [*check_terms(form.terms, values, distribution), *check_joint(distribution.joint, values)]
            same += any(finding.refuses for finding in found)
            beyond += any(
                not term.training_range[0] <= values[term.name] <= term.training_range[1] for term in form.terms
            )
            scaled = {name: 8 * value for name, value in values.items() if name.startswith("DWI:")}  # another gain
            other += any(finding.refuses for finding in check_joint(distribution.joint, {**values, **scaled}))
    assert beyond / 600 > 0.1  # to refuse what is outside the training range would refuse so many
    assert same / 600 < 0.06
    assert other / 600 > 0.5


def test_values_that_are_in_range_one_by_one_and_not_together_are_refused():
    rng = np.random.default_rng(1)
    first = rng.normal(size=60)
    values = np.column_stack([first, first + 0.05 * rng.normal(size=60)])
    joint = JointRange.of(("T2:a", "T2:b"), values)
    assert [*check_joint(joint, {"T2:a": 1.5, "T2:b": 1.5})] == []
    (finding,) = check_joint(joint, {"T2:a": 1.5, "T2:b": -1.5})
    assert finding.refuses and "no training lesion was further than" in finding.message
    (remark,) = check_joint(joint, {"T2:a": 0.0, "T2:b": _at(joint, 1.1)})
    assert not remark.refuses


def _at(joint, share):
    """The second value at which the distance is this share of the largest, the first being 0."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if joint.distance({"T2:a": 0.0, "T2:b": middle}) < share * joint.largest else (low, middle)
        )
    return low


def test_the_largest_distance_is_each_lesion_from_the_others_without_it():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(30, 3))
    values[7] = (9.0, -9.0, 9.0)
    joint = JointRange.of(("a", "b", "c"), values)
    others = JointRange.of(("a", "b", "c"), np.delete(values, 7, axis=0))
    assert joint.largest == pytest.approx(others.distance(dict(zip("abc", values[7], strict=True))))
    assert joint.distance(dict(zip("abc", values[7], strict=True))) < joint.largest
    assert JointRange.of(("a", "b", "c"), values[:9]) is None


def test_a_missing_value_and_a_level_have_no_range():
    terms = (Term("T2:a", 1.0, 0, 1, 1, (0, 1)), Term("clinical:m=b", None, 0, 1, 1, (0, 0)))
    assert [*check_terms(terms, {"T2:a": float("nan"), "clinical:m=b": 1.0}, None)] == []


def test_bounds_are_the_range_and_half_its_width():
    assert bounds_of(2, 4) == (1, 5)
    assert bounds_of(1, 5, positive=True) == (0, 7)
    assert bounds_of(-1, 5, positive=True) == (-4, 8)


def test_the_fewer_lesions_trained_the_wider_the_bounds():
    """With exponential values, the share that ten terms refuse is at most 2.5 %, for few lesions and for more."""
    rng = np.random.default_rng(3)
    for lesions in (17, 30, 74):
        widened = widening(lesions, 10)
        assert widened > 0.5
        refused = []
        for _ in range(400):
            training, testing = rng.exponential(size=(lesions, 10)), rng.exponential(size=(50, 10))
            low, high = bounds_of(training.min(axis=0), training.max(axis=0), widened)
            refused.append(((testing < low) | (testing > high)).any(axis=1).mean())
        assert np.mean(refused) < 0.025
    assert widening(200, 4) == widening(5000, 20) == 0.5
    assert widening(17, 10) > widening(17, 2) > 0.5


def test_a_grid_is_compared_whatever_axis_its_slices_are_stored_along():
    axial = ordered_grid(np.array([0.9, 0.9, 4.0]), np.array([320.0, 256.0, 30.0]))
    sagittal = ordered_grid(np.array([4.0, 0.9, 0.9]), np.array([30.0, 256.0, 320.0]))
    for one, other in zip(axial, sagittal, strict=True):
        np.testing.assert_array_equal(one, other)


def _scaled(low, high, *, known=True):
    """The findings on an image whose intensities had these ends before they were rescaled."""
    axis = (Range(20, 1.0, 1.0),) * 3
    ends = (Range(20, 0.0, 0.0), Range(20, 300.0, 900.0)) if known else ()
    training = TrainingDistribution(
        ("T2",), (), {"T2": ImageRange(axis, (Range(20, 9.0, 9.0),) * 3, ends)}, {}, (), None
    )
    seen = Seen(
        Path("T2.nii.gz"), np.zeros((9, 9, 9)), np.eye(4), np.ones(3), np.zeros(3), 1.0, {}, None, None,
        None if low is None else (low, high),
    )  # fmt: skip
    return [*check_images({"T2": seen}, training)]


def test_an_image_that_was_normalised_before_is_refused_though_rescaling_hides_it():
    assert _scaled(0.0, 500.0) == _scaled(2.0, 4000.0) == _scaled(0.0, 70.0) == []
    (negative,) = _scaled(-1.3, 500.0)
    assert negative.refuses and "intensities down to -1.3" in negative.message
    (logarithm,) = _scaled(0.0, 7.1)
    assert logarithm.refuses and "less than 60 or more than 4500 is refused" in logarithm.message
    assert [one.kind for one in _scaled(-1.3, 7.1)] == ["intensities", "intensities"]
    assert _scaled(None, None) == _scaled(-1.3, 7.1, known=False) == []


def _sampled(shape, **setting):
    return [*check_sampling({"T2": shape, "DWI": (9, 9, 9)}, (Rescale(), N4(**setting)))]


def test_samples_half_way_between_voxels_are_a_remark_that_names_image_axes_and_document():
    (one,) = _sampled((33, 84, 60))
    assert (one.kind, one.where, one.refuses) == ("sampling", "T2", False)
    assert one.message.startswith(
        "N4 (shrink factor 4) takes samples half-way between two voxels of T2 along J (84 voxels) and K (60 voxels): "
    )
    assert "can move the probability" in one.message and "docs/n4.md" in one.message
    (per_axis,) = _sampled((84, 84, 60), shrink=(1, 1, 2))
    assert "(shrink factor 1 x 1 x 2)" in per_axis.message and "of T2 along K (60 voxels): " in per_axis.message


def test_without_a_tie_without_shrinking_and_without_n4_nothing_is_said():
    assert _sampled((33, 85, 61)) == _sampled((84, 84, 60), shrink=1) == []
    assert [*check_sampling({"T2": (84, 84, 60)}, (Rescale(),))] == []
