"""Access: who may ask a server, and from where.

Keys are kept as hashes: they are long and random, so one round of SHA-256 is enough, and a file of
them gives none away. A server without keys listens on loopback only, and there refuses what a web
page in the user's browser could send: another host's name, or another origin.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hier.errors import InputError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

SHORTEST_KEY = 16  # characters
VARIABLE = "HIER_API_KEY"
_HASH = re.compile(r"sha256:([0-9a-f]{64})(?:\s.*)?")


class Keys:
    """The API keys that a server admits; without any, it admits everyone.

    Args:
        hashes: SHA-256 of each key, in hexadecimal.
    """

    def __init__(self, hashes: Iterable[str] = ()) -> None:
        self._hashes = tuple(bytes.fromhex(each) for each in hashes)

    @classmethod
    def read(cls, path: Path | None = None, plain: str = "") -> "Keys":
        """Read the hashes of a file, and take a key as it is.

        Args:
            path: a file of lines ``sha256:HEX``, with a note behind if wanted, as ``hier key``
                makes it.
            plain: a key, such as that of the environment; empty for none.

        Raises:
            InputError: the file cannot be read, has no key or a line that is none; or the key is
                too short to be kept as a plain hash.
        """
        hashes = [] if path is None else _hashes_in(path)
        if plain:
            hashes.append(hash_of(plain))
        return cls(hashes)

    def __bool__(self) -> bool:
        """Say whether a key is needed."""
        return bool(self._hashes)

    def admits(self, key: str) -> bool:
        """Say whether a key is one of them, in the same time for every key."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = [hmac.compare_digest(digest, each) for each in self._hashes]
        return any(found) or not found


def new_key() -> str:
    """Return a random key."""
    return "hier_" + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """Return what is kept of a key.

    Raises:
        InputError: it is short enough to be guessed.
    """
    if len(key) < SHORTEST_KEY:
        raise InputError(
            f"an API key of {len(key)} characters can be guessed; {SHORTEST_KEY} are the least: "
            "make one with hier key"
        )
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def check_bind(host: str, keys: Keys) -> None:
    """Refuse to be reached from other machines without a key.

    Raises:
        InputError: the host is not loopback, and there is no key.
    """
    if not keys and not is_loopback(host):
        raise InputError(
            f"{host!r} can be reached from other machines, and no API key is set; make one: "
            f"hier key FILE, and pass --keys FILE (or set {VARIABLE}), or listen at 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, seen from itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Middleware that lets in who has a key, or on loopback who is no web page from elsewhere.

    Args:
        app: what is guarded.
        keys: the keys.
        header: where the key is looked for, beside ``Authorization: Bearer``; a server that hands
            ``Authorization`` on looks at its own header alone, with ``bearer=False``.
        bearer: whether ``Authorization`` is looked at.
        public: says whether a path is for everyone.
    """

    def __init__(
        self,
        app: "ASGIApp",
        keys: Keys,
        *,
        header: str = "x-api-key",
        bearer: bool = True,
        public: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._app, self._keys, self._public = app, keys, public
        self._header, self._bearer = header.lower().encode(), bearer

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 401 or 403, or hand on."""
        if scope["type"] == "http" and not self._public(scope["path"]):
            headers = dict(scope["headers"])
            if self._keys and not self._keys.admits(self._key(headers)):
                wanted = "Authorization: Bearer KEY" if self._bearer else self._header.decode()
                refused = problem(401, f"this needs an API key, in the header {wanted}")
                refused.headers["www-authenticate"] = "Bearer"
                await refused(scope, receive, send)
                return
            if not self._keys and (why := _foreign(headers)):
                await problem(403, why)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _key(self, headers: dict[bytes, bytes]) -> str:
        given = headers.get(self._header, b"")
        scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
        if not given and self._bearer and scheme.lower() == b"bearer":
            given = rest.strip()
        return given.decode("latin-1")


_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def problem(status: int, message: str, **more: object) -> "Response":
    """Return an error as it is answered: ``{"error": {"type", "message"}}``, as OpenAI does.

    Args:
        status: the HTTP status.
        message: what is wrong and how it is mended.
        more: what else is said of it, such as the ``param`` that is meant.
    """
    from starlette.responses import JSONResponse

    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    error = {"type": kind, "message": message, "param": None, "code": None, **more}
    return JSONResponse({"error": error}, status, {"x-content-type-options": "nosniff"})


def _foreign(headers: dict[bytes, bytes]) -> str:
    """Say why a request to loopback may come from a web page: its names are not this machine's.

    A page of another site can send requests here (it names its origin), or have its own name lead
    here (then the host is that name).
    """
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not is_loopback(_name_in("//" + host)):
        return f"the host {host!r} is not this machine; a server without an API key is asked there"
    if origin and not is_loopback(_name_in(origin)):
        return f"a page of {origin!r} may not ask a server that has no API key"
    return ""


def _name_in(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _hashes_in(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the keys in {path} cannot be read: {error}") from error
    hashes = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _HASH.fullmatch(line.strip())
        if found is None:
            raise InputError(
                f"{path}, line {number} is no hash of a key; lines are sha256:HEX, and hier key "
                f"{path} adds one"
            )
        hashes.append(found[1])
    if not hashes:
        raise InputError(f"{path} has no key; add one: hier key {path}")
    return hashes
