"""Errors of transfers between a server and this program."""

from __future__ import annotations


class TransferError(Exception):
    """A transfer broke off, or the server answered with an error; the text names no patient and no UID.

    Parameters
    ----------
    problem : what is wrong.
    remedy : what to do; "" if there is nothing better than to try again.
    again : whether another attempt may succeed; False if the server would give the same answer.
    """

    def __init__(self, problem: str, remedy: str = "", *, again: bool = True) -> None:
        super().__init__(problem)
        self.remedy, self.again = remedy, again


class RefusedObjectError(TransferError):
    """An object was not requested, or is not what it claims to be; it is not kept, the others are."""
