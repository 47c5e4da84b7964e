"""Volumes and regions of interest, bias field, intensity, resampling. It computes numbers; the report draws them."""
