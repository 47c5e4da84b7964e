"""A lesion becomes numbers: settings.py says which, extract.py is the order of work, the others one family each."""
