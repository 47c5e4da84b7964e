"""The steps of a study. Each reads and writes files, so that it can be run alone, resumed and audited."""
