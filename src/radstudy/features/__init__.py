"""A lesion becomes numbers: `settings.py` says which, `extract.py` is the order of work, each other file is one family.

`settings.py` holds the settings under PyRadiomics' names and defaults (`setting_values.py`: the values each may
take), `parameter_file.py` reads PyRadiomics' own files and refuses what is not supported, `of_study.py` makes the
settings of the study file or of the parameter file it names, `names.py` says which images and features they give.
"""
