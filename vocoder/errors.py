"""The one error that a user can put right."""


class InputError(ValueError):
    """Bad input: one line that says what is wrong, where, and what would be right.

    The command line prints it without a traceback and exits with code 2.
    """
