"""Arrays in, named results out."""
