"""radstudy: a multiparametric-MRI radiomics study from images to tables and figures."""

from radstudy._version import __version__

__all__ = ["__version__"]
