"""Sources: texts, files and documents that the server is asked to read, as requests name them.

Which of two kinds one is, a text or a file, is told by what it names: a file has a path.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from hier.serving.requests import LONGEST_NAME, Metadata, Name, Request, Text, Tokenizer

_MOST_DOCUMENTS = 100  # in one request


def _is_file(source: Any) -> str:
    has_path = "path" in source if isinstance(source, dict) else hasattr(source, "path")
    return "file" if has_path else "text"


class _Reading(Request):
    """How a text is read.

    Attributes:
        tokenizer: how tokens are counted.
        relevance: how a question is weighed.
    """

    tokenizer: Tokenizer = "o200k_base"
    relevance: Literal["learned", "plain"] = "learned"


class TreeOfText(_Reading):
    """A text to be read once and kept.

    Attributes:
        text: the text.
        name: what it is called.
    """

    text: Text
    name: Name = ""


class TreeOfFile(_Reading):
    """A file to be read once and kept; it lies in a folder that is open to the server.

    Attributes:
        path: the file, below one of the folders.
        encoding: of a text.
        name: what it is called; else as its path.
    """

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    encoding: Annotated[str, Field(max_length=40)] = "utf-8"
    name: Name = ""


NewTree = Annotated[
    Annotated[TreeOfText, Tag("text")] | Annotated[TreeOfFile, Tag("file")],
    Discriminator(_is_file),
]


class NewCorpus(_Reading):
    """An empty corpus; how its documents are read."""


class DocumentOfText(Request):
    """A document for a corpus.

    Attributes:
        name: what it is called; a document of that name is replaced.
        text: its text.
        metadata: what else is known of it.
    """

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    text: Text
    metadata: Metadata = Field(default={})


class DocumentOfFile(Request):
    """A file for a corpus; it lies in a folder that is open to the server.

    Attributes:
        path: the file, below one of the folders.
        encoding: of a text.
        name: what it is called; else as its path.
        metadata: what else is known of it.
    """

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    encoding: Annotated[str, Field(max_length=40)] = "utf-8"
    name: Name = ""
    metadata: Metadata = Field(default={})


NewDocument = Annotated[
    Annotated[DocumentOfText, Tag("text")] | Annotated[DocumentOfFile, Tag("file")],
    Discriminator(_is_file),
]


class NewDocuments(Request):
    """Documents for a corpus.

    Attributes:
        documents: the documents; each is kept when it is finished.
    """

    documents: Annotated[list[NewDocument], Field(min_length=1, max_length=_MOST_DOCUMENTS)]
