"""`python -m radstudy`, for where the scripts folder is not on the path."""

from radstudy.cli import main

main()
