"""Models of features and clinical variables: selection, classifiers, refits, assessment."""
