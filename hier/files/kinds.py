"""Kinds of files: told by the suffix of the name; by the first bytes where the suffix says nothing.

A kind is the word that the metadata of a document calls ``type``. A suffix that is not listed is
taken for a text, and the bytes decide whether it is one.
"""

import io
import zipfile
from pathlib import PurePath

_SUFFIXES = {
    "pdf": "pdf",
    "docx": "docx docm",
    "pptx": "pptx pptm",
    "xlsx": "xlsx xlsm",
    "html": "html htm xhtml",
    "epub": "epub",
    "email": "eml",
    "markdown": "md markdown mdx qmd rmd",
    "rest": "rst",
    "text": "txt text log srt vtt",
    "csv": "csv",
    "tsv": "tsv tab",
    "json": "json geojson webmanifest",
    "jsonl": "jsonl ndjson",
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts tsx",
    "java": "java",
    "c": "c h",
    "c++": "cc cpp cxx hh hpp hxx",
    "go": "go",
    "rust": "rs",
    "ruby": "rb rake",
    "c#": "cs",
    "kotlin": "kt kts",
    "swift": "swift",
    "php": "php",
    "scala": "scala",
    "lua": "lua",
    "r": "r",
    "julia": "jl",
    "shell": "sh bash zsh",
    "sql": "sql",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties",
    "xml": "xml xsd xsl svg",
    "css": "css scss less",
}
KINDS = {f".{suffix}": kind for kind, names in _SUFFIXES.items() for suffix in names.split()}
CODE = frozenset(
    "python javascript typescript java c c++ go rust ruby c# kotlin swift php scala lua r julia "
    "shell sql".split()
)
# Texts that are read line by line, like code, and in which "# ..." is a comment and no heading.
LISTED = frozenset("json jsonl yaml toml ini xml css".split())

# Files of these names are no texts: they are told without being opened.
BINARY = frozenset(
    ".png .jpg .jpeg .gif .bmp .tif .tiff .webp .heic .ico .psd .ai .mp3 .m4a .wav .flac .ogg .mp4 "
    ".m4v .mov .avi .mkv .webm .zip .gz .tgz .bz2 .xz .zst .7z .rar .tar .jar .war .whl .egg .deb "
    ".rpm .dmg .iso .exe .dll .so .dylib .a .o .obj .lib .class .pyc .pyo .pyd .wasm .ttf .otf "
    ".woff .woff2 .eot .npy .npz .pkl .pickle .pt .pth .onnx .safetensors .gguf .h5 .hdf5 .parquet "
    ".arrow .feather .avro .db .sqlite .sqlite3 .hier .bin .dat .mo .swp".split()
)

_ZIPPED = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))


def suffix_of(name: str) -> str:
    """Return the last suffix of a file's name, in small letters, with its dot."""
    return PurePath(name).suffix.lower()


def kind_of(raw: bytes, name: str) -> str:
    """Return the kind of a file.

    Args:
        raw: its bytes, the whole of them.
        name: its name or path.
    """
    kind = KINDS.get(suffix_of(name))
    if kind is not None:
        return kind
    if raw.startswith(b"%PDF-"):
        return "pdf"
    if raw.startswith(b"PK\x03\x04"):
        return _zipped(raw)
    head = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    return "text"


def _zipped(raw: bytes) -> str:
    """Return what kind of document a zip archive is; "text", so that it is refused, if none."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "text"
    if "META-INF/container.xml" in names:
        return "epub"
    if "[Content_Types].xml" not in names:
        return "text"
    return next((kind for top, kind in _ZIPPED if any(n.startswith(top) for n in names)), "text")
