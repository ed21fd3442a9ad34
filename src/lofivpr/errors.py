"""The one family of errors that a user meets."""

from __future__ import annotations


class LofiError(Exception):
    """A user's mistake or a fault of the outside world.

    The message says what was expected, what was found, and what to do. The command line prints it
    without a traceback and exits with code 2.
    """
