"""Features exactly as the Image Biomarker Standardisation Initiative (IBSI) defines them; `extract.py` is the flow."""
