"""Input of a study: the cohort table, its exclusions and split, the clinical variables."""
