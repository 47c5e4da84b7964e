"""N4 has the same bits on every x86-64 processor and with any number of threads; so have the features after it."""

import platform
from functools import cache

import numpy as np
import pytest

from radstudy.imaging.volume import Volume
from targets.cases import write_case, write_lesion, write_n4_cases, write_numbers
from targets.processors import LAST_DIGITS, equal_bits, on

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="the processors are x86-64 under Linux"
)
OTHERS = [pytest.param(name, marks=pytest.mark.long) for name in ("generic", "avx2", "sse")]  # each compiles anew
REAL = {"sts": "sts/STS_001/MR_T1_image.nii.gz", "brain": "pyradiomics/brain1_image.nrrd"}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A function: what a processor finds of something; each has a compiler's cache of its own, empty at first."""
    folder = tmp_path_factory.mktemp("inputs")
    write_numbers(folder)
    write_n4_cases(folder)
    write_lesion(folder)

    @cache
    def compiled_into(name):
        return tmp_path_factory.mktemp(f"cache_{name}")

    @cache
    def run(name, what, *, threads=1, inputs=folder):
        return on(name, what, inputs, compiled_into(name), threads)

    return run


def differing(one, other):
    return [name for name, array in one.items() if not equal_bits(array, other[name])]


@pytest.fixture(scope="module")
def host(found):
    """The canary of this processor; without fused multiply-add all targets would be alike."""
    arrays, facts = found("host", "canary")
    if not any(kernel["fused"] for kernel in facts["assembly"].values()):
        pytest.skip("this processor has no fused multiply-add")
    return arrays, facts


@pytest.mark.long
@pytest.mark.parametrize("name", ["generic", "sse"])
def test_the_processors_are_told_apart(found, host, name):
    """The variables bite: fused multiply-add, NumPy's loops, the C library and OpenBLAS are other ones."""
    other, about = found(name, "canary")
    assert not any(kernel["fused"] for kernel in about["assembly"].values())
    assert about["numpy"] == []
    assert about["blas"] != host[1]["blas"]
    for library in ("numba", "numpy", "libm", "blas"):
        assert not equal_bits(host[0][library], other[library]), library


@pytest.mark.long
def test_the_processor_without_the_widest_registers_is_told_apart(found, host):
    other, about = found("avx2", "canary")
    assert about["numba"] == "haswell"
    assert any(kernel["fused"] for kernel in about["assembly"].values())
    assert not any(name.startswith("X86_V4") or "AVX512" in name for name in about["numpy"])
    assert not equal_bits(host[0]["numpy"], other["numpy"])


@pytest.mark.parametrize("name", OTHERS)
def test_field_and_corrected_volume_have_the_same_bits(found, name):
    ours, _ = found("host", "n4")
    assert len(ours) >= 49
    assert differing(ours, found(name, "n4")[0]) == []


@pytest.mark.long
def test_two_threads_give_the_same_bits(found):
    assert differing(found("host", "n4")[0], found("host", "n4", threads=2)[0]) == []


@pytest.mark.long  # compiles anew, like the others here
def test_no_kernel_fuses_or_calls_a_librarys_function(found, host):
    """The assembly of every kernel between the voxels and the divided image, compiled with fused multiply-add."""
    for facts in host[1]["assembly"].values():  # the same search finds them where they are
        assert facts["fused"] or {"exp", "log", "pow"} <= set(facts["library"])
    kernels = found("host", "n4")[1]["assembly"]
    assert {kernel.split("(")[0] for kernel in kernels} >= {
        "n4.advance", "n4.residual_planes", "n4.triangular_histogram", "n4.movement", "sharpening.sharpened",
        "division.divide_planes", "lattice.contract_planes", "lattice.rows_of", "elementary.logarithms",
        "otsu.histogram", "otsu.best_split",
    }  # fmt: skip
    assert all(facts["lines"] > 50 for facts in kernels.values())  # a kernel that comes from the cache has no text
    assert {kernel: facts for kernel, facts in kernels.items() if facts["fused"] or facts["library"]} == {}


@pytest.mark.long  # every processor compiles all kernels anew
@pytest.mark.parametrize("name", ["generic", "avx2", "sse"])
def test_features_after_n4_have_the_same_bits_but_for_those_named(found, name):
    ours, other = (found(one, "features")[0] for one in ("host", name))
    assert ours["n4 values"].size == 1218
    assert np.isfinite(ours["n4 values"]).all()
    assert not equal_bits(ours["n4 prepared"], ours["plain prepared"])
    for kind in ("n4", "plain"):
        one, two = ours[f"{kind} values"], other[f"{kind} values"]
        differ = ours[f"{kind} names"][one != two].tolist()
        assert [feature for feature in differ if not LAST_DIGITS.fullmatch(feature)] == []
        np.testing.assert_allclose(one, two, rtol=1e-13)
        assert equal_bits(ours[f"{kind} prepared"], other[f"{kind} prepared"])


@pytest.mark.parametrize("name", OTHERS)
def test_real_volumes_have_the_same_bits(real_data, tmp_path, found, name):
    for key, file in REAL.items():
        volume = Volume.read(real_data / file)
        write_case(tmp_path, key, volume.voxels, volume.affine)
    ours, other = (found(one, "n4", inputs=tmp_path)[0] for one in ("host", name))
    assert [key for key in ours if key.startswith("sts")]
    assert differing(ours, other) == []
