"""A fitted model as plain JSON, and its use on the next patient.

`document.py` is the file, `training.py` keeps the distribution of the training data, `applicability/` compares a
patient with it, `patient.py` reads the patient's arguments and files.
"""
