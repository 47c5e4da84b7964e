"""Selection of features, models, their assessment, and refits of all of it.

A model of the study file becomes one scikit-learn `Pipeline` (`models.py`, `build.py`): the selection of its features
(`selection/`), nested as the study file says, then the classifier (`classifiers/`). A pooled or combined model holds
the selections of the models it refers to. `selection/step.py` is what all selection steps share, `ranking.py` ranks
and keeps the best, `folds.py` makes folds inside the training rows, `classifiers/binary.py` is what all classifiers
share, and `penalised.py` the path of penalties of LASSO and elastic net, which a step and a classifier share.
"""
