"""Reading: who reads what and in which order, masks and answers as they are stored, and the record that is written."""
