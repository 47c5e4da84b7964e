"""Voxels: volumes and regions of interest, bias field, intensity, resampling. Returns numbers; the report draws."""
