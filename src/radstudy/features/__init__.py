"""Features of a lesion: settings.py defines which, extract.py has the order of work, the rest one family each."""
