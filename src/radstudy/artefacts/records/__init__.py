"""Records that steps hand to one another, typed; each has the keys on disk that it has always had."""
