"""The exceptions that the command line turns into a message. Imports nothing of ours."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: a bad file, a wrong name, a missing folder. The command line exits with 2.

    The message says what was found and where (file, line, variable), what was expected, and what to do.
    """


class BuildFailed(Exception):
    """A model or a data test failed, so nothing is published. The command line exits with 1, without a trace."""
