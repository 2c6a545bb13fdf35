"""Faults: which errors are told to who asks, with which status, and which only to the log."""

import logging
from dataclasses import dataclass

from hier.corpus.lock import BusyError
from hier.errors import BudgetError, HierError, InputError, MissingExtraError, ModelError
from hier.serving.work import OtherwiseError, UnknownError

LOG = logging.getLogger("hier.serving")

WENT_WRONG = "something went wrong here, and was written to the server's log"


@dataclass(frozen=True)
class Told:
    """What is answered where something went wrong.

    Attributes:
        status: the HTTP status.
        message: what is wrong and how it is mended.
        code: ``"refused"`` where the request is to blame.
    """

    status: int
    message: str
    code: str | None = None


def told_of(error: Exception, what: str) -> Told:
    """Return what is said of an error; what may name files of the server goes to its log alone.

    Args:
        error: the error.
        what: what was being done.
    """
    if isinstance(error, UnknownError):
        return Told(404, str(error))
    if isinstance(error, OtherwiseError):
        return Told(409, str(error), "refused")
    if isinstance(error, InputError | BudgetError | MissingExtraError):
        return Told(422, str(error), "refused")
    if isinstance(error, BusyError):
        return Told(503, "another process is writing to it; ask again in a while")
    if isinstance(error, ModelError):
        LOG.error("%s: %s", what, error)
        return Told(502, "the model could not be asked; the server's log says why")
    LOG.error("%s: %s", what, error, exc_info=None if isinstance(error, HierError) else error)
    return Told(500, WENT_WRONG)
