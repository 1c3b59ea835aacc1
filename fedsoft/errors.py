"""Errors that a person can act on: one sentence that names the cause and the mend."""


class FedsoftError(Exception):
    """A problem that the user can solve; the command line prints it without a traceback."""


class FedsoftWarning(UserWarning):
    """Something that a user should know of a result that stands; one sentence with the cause and the mend."""


class StudyFileError(FedsoftError):
    """The study file, or a value set on the command line, is not valid."""


class DataError(FedsoftError):
    """A dataset is missing, damaged, or cannot give what the study asks of it."""


class StoreError(FedsoftError):
    """The folder of results holds something that cannot be read or continued."""


class EngineError(FedsoftError):
    """An engine could not execute a run."""


def in_a_line(error: BaseException) -> str:
    """An exception in one line: the sentence of one of ours, the type and the message of any other."""
    text = " ".join(str(error).split())
    if isinstance(error, FedsoftError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
