"""Where voxels lie: a grid in the patient, the order of an array's axes, LPS and RAS."""
