"""Files to arrays with an affine in RAS, and back. LPS turns into RAS here and nowhere else."""
