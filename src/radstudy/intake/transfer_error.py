"""What goes wrong between a server and this program."""

from __future__ import annotations


class TransferError(Exception):
    """A transfer broke off, or the server answered with an error; the text names no patient and no UID.

    Parameters
    ----------
    problem : what is wrong.
    remedy : what to do; "" where nothing better is known than to try again.
    again : whether another attempt may go well; False where the server would answer the same.
    """

    def __init__(self, problem: str, remedy: str = "", *, again: bool = True) -> None:
        super().__init__(problem)
        self.remedy, self.again = remedy, again


class RefusedObjectError(TransferError):
    """An object came that was not asked for, or is not what it claims to be; it is not kept, the others are."""
