"""What comes in: the cohort table, its exclusions and split, the clinical variables."""
