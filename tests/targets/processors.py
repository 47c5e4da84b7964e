"""Processors that a test can pretend to have.

Each is a set of environment variables, read when a process starts: numba's compiler, NumPy's own loops, the C library
and OpenBLAS each choose their code by the processor. `bite` is what proves that the variables work: numbers that are
known to differ with them.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
# The features that are not of the program's own arithmetic alone: eigenvalues by LAPACK, logarithms by NumPy and the
# C library. Their last digits differ, by less than 1e-13.
LAST_DIGITS = re.compile(
    r"original_shape_(Elongation|Flatness|(Least|Major|Minor)AxisLength)|[\w-]+_(firstorder|gl\w+)_(\w*Entropy|Imc[12])"
)
_WIDE = ("X86_V4", "AVX512")  # what NumPy calls its loops for 512 bits, by version
# The C library's names, with and without the suffix that older versions have.
_NO_512 = ("AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ")
_NO_FMA = ("FMA", "FMA4", "AVX2", "AVX2_Usable", "FMA_Usable", *_NO_512)
_ONE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def _numpy_without(*, only_wide):
    """NPY_DISABLE_CPU_FEATURES for this NumPy: what it has loops for and this processor runs."""
    from numpy._core import _multiarray_umath as core

    names = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    return " ".join(name for name in names if not only_wide or name.startswith(_WIDE))


def _without(names):
    return "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in names)


def _numba_features(*names):
    """NUMBA_CPU_FEATURES that has these on and everything else that this processor has off."""
    import llvmlite.binding as llvm

    host = llvm.get_host_cpu_features()
    return ",".join(f"{'+' if name in names else '-'}{name}" for name, has in host.items() if has or name in names)


_SSE = ("sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16", "fxsr", "cmov", "64bit")
_AVX2 = (*_SSE, "avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe")


def processors():
    """Name to environment. `avx2` has fused multiply-add and 256 bits, `sse` neither, `generic` only what all have."""
    return {
        "host": {},
        "avx2": {
            "NUMBA_CPU_NAME": "haswell",
            "NUMBA_CPU_FEATURES": _numba_features(*_AVX2),
            "NPY_DISABLE_CPU_FEATURES": _numpy_without(only_wide=True),
            "GLIBC_TUNABLES": _without(_NO_512),
            "OPENBLAS_CORETYPE": "Haswell",
        },
        "sse": {
            "NUMBA_CPU_NAME": "nehalem",
            "NUMBA_CPU_FEATURES": _numba_features(*_SSE),
            "NPY_DISABLE_CPU_FEATURES": _numpy_without(only_wide=False),
            "GLIBC_TUNABLES": _without(_NO_FMA),
            "OPENBLAS_CORETYPE": "Nehalem",
        },
        "generic": {
            "NUMBA_CPU_NAME": "generic",
            "NPY_DISABLE_CPU_FEATURES": _numpy_without(only_wide=False),
            "GLIBC_TUNABLES": _without(_NO_FMA),
            "OPENBLAS_CORETYPE": "Prescott",
        },
    }


def environment(processor, cache, threads=1):
    """A process's environment on a processor, with kernels compiled into the folder `cache`."""
    own = {name: value for name, value in processors()[processor].items() if value}
    source = os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")])
    dropped = {name for kind in processors().values() for name in kind}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | own | dict.fromkeys(_ONE, str(threads)) | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": source}


def on(processor, what, folder, cache, threads=1):
    """What the worker finds on a processor: the arrays that it has written, and what it says of itself."""
    out = Path(folder) / f"{what}_{processor}_{threads}.npz"
    done = subprocess.run(
        [sys.executable, str(WORKER), what, str(folder), str(out)], env=environment(processor, cache, threads),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{processor}: {done.stderr[-3000:]}"
    with np.load(out) as arrays:
        return dict(arrays), json.loads(done.stdout.splitlines()[-1])


def equal_bits(one, other):
    """Whether two arrays are the same, bit by bit."""
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
