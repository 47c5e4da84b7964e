"""FeatureExplorer's public table of features as a study file; what the models are, each test adds."""

HEAD = """\
study: FeatureExplorer's example table
seed: 1
cohort:
  table: feature_tables/fae_numeric_feature.csv
  patient: "Unnamed: 0"
  outcome: {column: label, positive: "1.0"}
  split: {train: 0.7}
sequences: [T2, DWI, ADC]
features:
  table: feature_tables/fae_numeric_feature.csv
  columns: {T2: T2_, DWI: DWI_, ADC: ADC_}
"""
