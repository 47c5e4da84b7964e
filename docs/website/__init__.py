"""The site of the documentation: what Sphinx builds out of docs/ and out of the program's own facts.

`reference.py` (functions and classes), `commands.py`, `settings.py`, `features.py` and `numbers.py` each give pages as
text; `pages.py` writes them before a build, when `extension.py`
says so. `mathml.py` sets formulas without a script, `outside.py` leads links to
files outside docs to the site, `anchors.py` looks for links that lead nowhere in what was built.
"""
