"""`radstudy derive`: functional maps and figures of a cohort, as further sequences and imaging characteristics."""
