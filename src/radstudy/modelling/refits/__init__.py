"""The study's own models, refitted thousands of times: permuted outcomes, folds, splits, bootstrap.

`engine/` gives every model's features, penalty, AUCs and scores on any rows and labels, equal to its pipeline's. What
no label changes (imputation, z-score, ranks, correlations) is kept from call to call; trees and penalised logistic
regression are kernels of our own that draw, sort and add in scikit-learn's order, so that ties fall the same way.
`chance.py` and `resampling/` differ only in the rows and labels they ask for. `repeats.py` is what they share;
`chunks.py` spreads the repeats over processes, keeps what is finished and continues from there. Each repeat has its
own random generator.
"""
