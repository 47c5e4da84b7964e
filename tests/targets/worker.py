"""Runs in a process of its own: ``worker.py canary|n4|features FOLDER OUT``; reads FOLDER, writes arrays to OUT.

Inputs come from files: numbers that are drawn here would differ with the processor themselves.
"""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np

MATHEMATICS = re.compile(r"_*(?:svml_)?(?:exp|log|pow|sin|cos|tan|atan|asin|acos|cbrt|hypot|fma|ldexp|mul[sd]c3)\w*")


def canary(folder):
    """Numbers that are known to depend on the processor, one array for each of what chooses code by it."""
    import numba

    @numba.njit(fastmath={"contract"})
    def contracted(a, b, c):
        found = np.empty_like(a)
        for i in range(a.size):
            found[i] = a[i] * b[i] + c[i]
        return found

    @numba.njit
    def called(a):
        return math.exp(a) + math.log(a) + a**1.7

    called(0.5)
    with np.load(folder / "numbers.npz") as numbers:
        a, b, c = (numbers[name] for name in "abc")
    found = {
        "numba": contracted(a, b, c),
        "numpy": np.concatenate([np.exp(a), np.exp(a.astype(np.float32)), np.log(b), np.power(b, 1.7)]),
        "libm": np.array([f(value) for value in a for f in (math.exp, math.sin, math.tan)]),
        "blas": (a[:4096].reshape(64, 64) @ c[:4096].reshape(64, 64)).ravel(),
    }
    return found, {"assembly": facts_of(contracted, "contracted") | facts_of(called, "called")}


def n4(folder):
    """Every case's foreground, lattice, log field and corrected volume; the kernels' assembly, as far as it matters."""
    from radstudy.imaging.bias_field import divided
    from radstudy.imaging.foreground import foreground
    from radstudy.imaging.n4 import fit_bias_field
    from radstudy.imaging.volume import Volume

    found = {}
    for file in sorted(folder.glob("case_*.npz")):
        with np.load(file) as case:
            arrays = dict(case)
        volume = Volume(arrays["voxels"], arrays["affine"])
        options = json.loads(str(arrays["options"]))
        field = fit_bias_field(volume, arrays.get("mask"), confidence=arrays.get("confidence"), **options)
        log_field = np.empty(volume.voxels.shape, np.float32, order="F")
        corrected = divided(volume, field, log_field)
        name = file.stem.removeprefix("case_")
        found[f"{name} foreground"] = foreground(volume)
        found[f"{name} lattice"] = field.lattice
        found[f"{name} convergence"] = np.array([*field.convergence, *field.iterations])
        found[f"{name} log field"] = log_field
        found[f"{name} again"] = field.log_field()
        found[f"{name} corrected"] = corrected.voxels
        found[f"{name} limits"] = np.array(corrected.limits)
    return found, {"assembly": assembly_facts()}


def assembly_facts():
    """Of every compiled kernel between voxels and divided image: fused multiply-adds, and what it calls."""
    from radstudy.imaging.kernels import division, elementary, lattice, otsu, sharpening
    from radstudy.imaging.kernels import n4 as passes

    facts = {}
    for module in (division, elementary, lattice, otsu, sharpening, passes):
        for name, kernel in vars(module).items():
            if hasattr(kernel, "inspect_asm"):
                facts |= facts_of(kernel, f"{module.__name__.rpartition('.')[2]}.{name}")
    return facts


def facts_of(kernel, name):
    """Of each compiled version of a kernel: lines of its assembly, fused multiply-adds, the mathematics it calls."""
    found = {}
    for signature in kernel.signatures:
        text = kernel.inspect_asm(signature)
        called = re.findall(r"(?:call\w*\s+|movabsq?\s+\$)(\w+)", text)  # by name, or through a register
        library = sorted({symbol for symbol in called if MATHEMATICS.fullmatch(symbol)})
        fused = re.findall(r"\bvfn?m(?:add|sub|addsub|subadd)\w*", text)
        found[f"{name}{signature}"] = {"lines": len(text.splitlines()), "fused": len(fused), "library": library}
    return found


def features(folder):
    """The features of one lesion whose volume is prepared with N4, and of the same volume without it."""
    from radstudy.features.extract import extract_lesions
    from radstudy.features.of_study import her2_ihc2plus
    from radstudy.imaging.preparation import prepare_volume
    from radstudy.imaging.roi import Roi
    from radstudy.imaging.volume import Volume
    from radstudy.protocol.prepare import N4, Rescale

    with np.load(folder / "lesion.npz") as case:
        volume = Volume(case["voxels"], case["affine"], stored_dtype=np.int16)
        roi = Roi(case["mask"], case["affine"])
    found = {}
    for name, steps in {"n4": [N4(), Rescale(to=(0, 2000))],
                        "plain": [Rescale(to=(0, 2000))]}.items():  # fmt: skip
        prepared, _ = prepare_volume(volume, steps)
        (lesion,) = extract_lesions(prepared, [roi], her2_ihc2plus())
        found[f"{name} values"] = np.array(list(lesion.values.values()))
        found[f"{name} names"] = np.array(list(lesion.values))
        found[f"{name} prepared"] = prepared.voxels
    return found, {}


def main():
    """Run from the command line."""
    what, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    found, facts = {"canary": canary, "n4": n4, "features": features}[what](folder)
    import llvmlite.binding as llvm
    from numba.core import config
    from numpy._core import _multiarray_umath as core
    from threadpoolctl import threadpool_info

    facts["numpy"] = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    facts["numba"] = config.CPU_NAME or llvm.get_host_cpu_name()
    facts["blas"] = sorted({str(one.get("architecture")) for one in threadpool_info()})
    np.savez(out, **found)
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
