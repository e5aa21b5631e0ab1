"""The one error of the lab that is not a failure."""


class Unavailable(Exception):
    """This cannot run here, and why: a test skips with the message."""
