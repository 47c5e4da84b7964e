"""Positions of voxels in the patient: grids, the order of an array's axes, LPS and RAS."""
