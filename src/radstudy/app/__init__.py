"""The rooms that people work in with a browser: so far the reading room."""
