"""What went wrong with a call, read from the exception that a client raised.

No client is imported: those of OpenAI, Anthropic, Ollama and httpx all tell a status and headers
by the same attributes, and their other errors are known by the names of their classes.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

_PASSING = {408: "timeout", 409: "conflict", 425: "too early", 429: "rate limit"}
_UNHEARD = ("ConnectError", "ConnectTimeout", "ConnectionRefusedError", "gaierror")
_MALFORMED = ("APIResponseValidationError", "DecodingError")
_STUMBLES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_CONNECTION = ("APIConnectionError", "TransportError", "ConnectionError", *_UNHEARD)
_KEYLESS = ("api_key", "auth_token", "Illegal header value b'Bearer")
_TIMEOUT = ("APITimeoutError", "TimeoutException", "TimeoutError")


@dataclass(frozen=True)
class Failure:
    """What an exception means.

    Attributes:
        outcome: in a few words, for the ledger.
        passing: trying again may mend it.
        status: what the server answered; None where it did not.
        wait: seconds that the server asks to wait; None where it does not say.
        unheard: no connection came about, so nothing was sent.
        text: what the exception says, in one line.
    """

    outcome: str
    passing: bool
    status: int | None = None
    wait: float | None = None
    unheard: bool = False
    text: str = ""

    @property
    def about_window(self) -> bool:
        """Say whether the prompt was too long for the model."""
        said = self.text.lower()
        context = "context" in said and any(w in said for w in ("length", "window", "size"))
        return self.status in (400, 413, 422) and (context or "too long" in said)


def read_failure(error: BaseException, *, own: bool = False) -> Failure:
    """Return what an exception means.

    Args:
        error: the exception.
        own: it came out of a user's function, which may raise anything; otherwise what a client
            stumbles over is a body that it could not read.
    """
    text = " ".join(str(error).split())[:300]
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if isinstance(status, int) and status > 0:
        return _of_status(status, getattr(response, "headers", None) or {}, error, text)
    links = list(_chain(error))
    if not own and any(mark in str(link) for link in links for mark in _KEYLESS):
        return Failure("no key", passing=False, text=text)
    names = {kind.__name__ for link in links for kind in type(link).__mro__}
    # Ollama's client raises the builtin one itself where nothing listens.
    unheard = not names.isdisjoint(_UNHEARD) or type(error) is ConnectionError
    # An error of a timeout is often one of a connection, too.
    for outcome, known in (("timeout", _TIMEOUT), ("connection", _CONNECTION)):
        if not names.isdisjoint(known):
            return Failure(outcome, passing=True, unheard=unheard, text=text)
    if not own and (isinstance(error, _STUMBLES) or not names.isdisjoint(_MALFORMED)):
        return Failure("malformed", passing=True, text=text)
    return Failure("error", passing=False, text=text)


def _of_status(status: int, headers: Any, error: BaseException, text: str) -> Failure:
    outcome = _PASSING.get(status) or f"{'server' if status >= 500 else 'client'} error {status}"
    passing = status in _PASSING or status >= 500
    if "insufficient_quota" in f"{getattr(error, 'code', '')} {text}":
        passing = False  # it is a 429, but no waiting brings money
    return Failure(outcome, passing, status, _wait(headers), text=text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes: clients wrap those of the library below."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _wait(headers: Any) -> float | None:
    """Return the seconds that Retry-After asks for, given as seconds or as a date."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / scale)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except ValueError:
            continue
    return None


def explain(failure: Failure, model: str, url: str, key: str, window: int | None) -> str:
    """Return a message that names the model and its server, what went wrong, and the remedy.

    Args:
        failure: what went wrong.
        model: the model's name.
        url: where it is; may be empty.
        key: where its key is read from, such as ``"OPENAI_API_KEY"``.
        window: the model's window, if known.
    """
    where = f"{model} at {url}" if url else model
    said = f": {failure.text}" if failure.text else ""
    status = failure.status
    if failure.outcome == "no key":
        return f"{where} needs a key{said}; set {key} or give api_key"
    if failure.unheard:
        return f"{where} cannot be reached{said}; start its server or correct base_url"
    if failure.about_window:
        size = f" of {window:,} tokens" if window else ""
        return f"a prompt is too long for the window{size} of {where}{said}; give a smaller window"
    if status in (401, 403):
        return f"{where} refused the key (status {status}){said}; set {key} or give api_key"
    if status == 404:
        return f"{where} is not there (status 404){said}; correct the model's name or base_url"
    if status == 429 and not failure.passing:
        return f"{where} has no credit left{said}; add some, or use another key"
    told = f"status {status}" if status else failure.outcome
    remedy = "try later, or allow more attempts or time" if failure.passing else "mend the call"
    return f"{where} failed ({told}){said}; {remedy}"
