"""`python -m radstudy`, in case the scripts folder is not on the path."""

from radstudy.cli import main

main()
