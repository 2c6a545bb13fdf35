"""Zip archives, which DOCX, PPTX, XLSX and EPUB files are: none is unpacked that would fill memory.

What an archive says of its sizes is checked first. Then what is large enough to lie is unpacked a
piece at a time and thrown away: a part that is longer than it says fails its checksum. Deflate
makes at most 1,032 bytes of one, so a small part can do no harm.
"""

import io
import zipfile
import zlib
from xml.parsers.expat import ExpatError

from hier.errors import InputError

MOST_BYTES = 1 << 30  # of all parts, unpacked
MOST_RATIO = 200  # unpacked bytes of one, above the size below
FREE_BYTES = 64 << 20
_SMALL_PART = 64 << 10
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What the libraries raise that read what is in such a file, where it is not what it should be: a
# part that is missing or has another form is met wherever their code first relies on it. The XML
# errors of lxml and of the standard library are SyntaxErrors or come from expat.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, SyntaxError, NotImplementedError),
    *(
        ExpatError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        AssertionError,
        RecursionError,
    ),
)


def open_archive(raw: bytes, name: str) -> zipfile.ZipFile:
    """Open an archive that may be unpacked.

    Raises:
        InputError: it is damaged, encrypted or a zip bomb.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        parts = archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise InputError(f"{name} is encrypted with a password; save a copy without one")
        if any(part.compress_type not in _PLAIN for part in parts):
            raise InputError(f"{name} is packed in a way that is not read; save it anew")
        _check_sizes(parts, len(raw), name)
        for part in parts:
            if part.compress_size > _SMALL_PART:
                _unpack(archive, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise damaged(name, error) from error
    return archive


def damaged(name: str, error: Exception) -> InputError:
    """Return the error for a file that is not what its name says."""
    said = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{name} is damaged ({said[:200]}); save it anew with what made it")


def _check_sizes(parts: list[zipfile.ZipInfo], packed: int, name: str) -> None:
    size = sum(part.file_size for part in parts)
    if size > MOST_BYTES or size > max(FREE_BYTES, MOST_RATIO * packed):
        raise InputError(
            f"{name} would unpack to {size:,} bytes, {size // max(1, packed):,} times its size; "
            f"the limits are {MOST_BYTES:,} bytes, and {MOST_RATIO} times above {FREE_BYTES:,}"
        )


def _unpack(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    with archive.open(part) as stream:
        while stream.read(1 << 20):
            pass
