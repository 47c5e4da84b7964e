"""Every public function and class of the modules that a user imports, from their docstrings."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType

from website.markdown import contents, table

MODULES = {
    "radstudy": "One lesion, many lesions, volumes and masks",
    "radstudy.statistics": "Statistics: arrays in, named results out",
    "radstudy.compat.featureextractor": "PyRadiomics' extractor class",
    "radstudy.features.firstorder": "First-order features of an array",
    "radstudy.features.shape": "Shape features of an array",
    "radstudy.features.shape2d": "Shape features of an array in one plane",
    "radstudy.features.texture": "Texture features of an array",
    "radstudy.features.maps": "Features voxel by voxel",
    "radstudy.features.ibsi.filters": "Filters as IBSI defines them",
    "radstudy.features.ibsi.response_maps": "Filtered volumes, and a lesion in them",
    "radstudy.imaging.masks.agreement": "Agreement of two masks",
    "radstudy.imaging.masks.write": "Masks for Slicer and the PACS",
    "radstudy.imaging.parametric.adc": "Apparent diffusion coefficient",
    "radstudy.imaging.parametric.enhancement": "Enhancement maps",
    "radstudy.imaging.parametric.curve": "Types of time-intensity curves",
    "radstudy.imaging.parametric.diameter": "The largest diameter of a lesion",
    "radstudy.imaging.parametric.motion": "Motion between the phases",
    "radstudy.modelling.planning": "How many patients: simulated studies",
    "radstudy.modelling.harmonisation": "ComBat, fitted on training patients alone",
    "radstudy.catalogue": "The catalogue of features",
    "radstudy.study": "A run from Python",
    "radstudy.differences": "Two runs compared",
    "radstudy.doctor": "Is this computer fit",
    "radstudy.demo.cohort": "The synthetic cohort",
    "radstudy.errors": "Errors, and the exit code of each",
}
"""The modules that README and docs name, with a title for each."""

_LEFT_OUT = frozenset({"__version__", "statistics"})  # no function, and a page of its own


def public_names(module: ModuleType) -> list[str]:
    """The public functions and classes of a module: those of its __all__, or those that it defines and documents."""
    listed: list[str] | None = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(name for name in listed if _callable_of(module, name) and name not in _LEFT_OUT)
    return sorted(
        name for name, one in vars(module).items()
        if not name.startswith("_") and _callable_of(module, name) and inspect.getdoc(one)
        and getattr(one, "__module__", None) == module.__name__
    )  # fmt: skip


def _callable_of(module: ModuleType, name: str) -> bool:
    one = getattr(module, name)
    return inspect.isclass(one) or inspect.isroutine(one) or hasattr(one, "py_func")


def reference_pages() -> dict[str, str]:
    """The start of the reference, the list of modules, and a page for each."""
    start = (
        "# Reference\n\nEvery command, every setting, every file, and every function that you may call.\n\n"
        + contents(
            [
                "commands/index",
                "settings/index",
                "python/index",
                "../run_folder",
                "../signature",
                "../glossary",
                "../limits",
            ]
        )
        + "\n"
    )
    listed = "# Python\n\n`import radstudy` is quick: each function is loaded when it is first used.\n\n"
    listed += table(["module", "has"], [[f"[`{name}`]({name}.rst)", title] for name, title in MODULES.items()])
    listed += "\n\n" + contents(MODULES, hidden=True)
    pages = {f"reference/python/{name}.rst": _page(name, title) for name, title in MODULES.items()}
    return {"reference/index.md": start, "reference/python/index.md": listed + "\n", **pages}


def _page(name: str, title: str) -> str:
    module = import_module(name)
    names = public_names(module)
    summary = [".. autosummary::", "   :nosignatures:", "", *(f"   {one}" for one in names)]
    parts = [name, "=" * len(name), "", f"{title}.", "", f".. currentmodule:: {name}", "", *summary, ""]
    for one in names:
        if inspect.isclass(getattr(module, one)):
            parts += [f".. autoclass:: {name}.{one}", "   :members:", ""]
        else:
            parts += [f".. autofunction:: {name}.{one}", ""]
    return "\n".join(parts)
