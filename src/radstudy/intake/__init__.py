"""From DICOM, as a PACS gives it, to the cohort: series become roles, slices volumes, names pseudonyms."""
