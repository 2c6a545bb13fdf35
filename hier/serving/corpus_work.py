"""Work with corpora: what a worker does for a request to many documents in one file."""

from itertools import islice
from pathlib import Path

from hier.corpus.corpus import Corpus
from hier.corpus.lock import writing
from hier.document import Document
from hier.errors import InputError, MissingExtraError
from hier.serving import replies, requests, sources
from hier.serving.work import (
    Desk,
    Done,
    Job,
    OtherwiseError,
    UnknownError,
    Work,
    as_done,
    read_file,
    reply_of,
    seen_context,
)


def _corpus(desk: Desk, job: Job) -> Corpus:
    # What others write to a file is seen; one in its place is told by its number alone.
    return desk.opened.corpus(job.told["path"], tuple(job.told["stamp"][:1]))


def compress(desk: Desk, job: Job) -> Done:
    """Compress a corpus."""
    request = requests.CorpusRequest.model_validate_json(job.body)
    corpus = _corpus(desk, job)
    seen = seen_context(request.seen)
    context = corpus.compress(**requests.engine_options(request), seen=seen)
    return as_done(context, corpus.tokens)


def describe(desk: Desk, job: Job) -> Done:
    """Say what a corpus is."""
    return _facts(_corpus(desk, job), job)


def create(_: Desk, job: Job) -> Done:
    """Make an empty corpus, or find one that was made in the same way."""
    request = sources.NewCorpus.model_validate_json(job.body)
    path = Path(job.told["path"])
    if path.exists():
        with Corpus.open(path) as corpus:
            kept = (corpus.settings.tokenizer, corpus.settings.relevance)
            if kept != (request.tokenizer, request.relevance):
                raise OtherwiseError(
                    f"this corpus is there already, with tokenizer {kept[0]} and relevance "
                    f"{kept[1]}; say the same, or take another id"
                )
            job.told["held"]["bytes"] = path.stat().st_size
            return _facts(corpus, job)
    with Corpus.create(path, tokenizer=request.tokenizer, relevance=request.relevance) as corpus:
        job.told["held"]["bytes"] = path.stat().st_size
        return _facts(corpus, job)


def _facts(corpus: Corpus, job: Job) -> Done:
    settings = corpus.settings
    known = settings.relevance in ("learned", "plain")
    return reply_of(
        replies.CorpusFacts(
            **job.told["held"],
            tokens=corpus.tokens,
            documents=len(corpus),
            tokenizer=settings.tokenizer,
            embedder=settings.embedder,
            relevance=settings.relevance if known else "own weights",
        )
    )


def delete(desk: Desk, job: Job) -> Done:
    """Delete a corpus and what stands beside it."""
    path = Path(job.told["path"])
    desk.opened.forget(str(path))
    with writing(path):
        for ending in ("-wal", "-shm", ".index", ""):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    return Done(b"")


def add(desk: Desk, job: Job) -> Done:
    """Add documents one by one: one that cannot be read does not stop the others."""
    request = sources.NewDocuments.model_validate_json(job.body)
    corpus = _corpus(desk, job)
    added: list[str] = []
    failed: list[replies.Refusal] = []
    files = job.told["files"]
    for number, (one, file) in enumerate(zip(request.documents, files, strict=True)):
        job.tell({"what": "reading", "done": number, "total": len(files)})
        name = one.name
        try:
            if isinstance(one, sources.DocumentOfText):
                document = Document(one.text, one.name)
            else:
                name = one.name or one.path
                document = read_file(file, name, one.encoding)
            added += corpus.add(document, metadata=one.metadata)
        except (InputError, MissingExtraError) as error:
            failed.append(replies.Refusal(name=name, why=str(error)))
    return reply_of(replies.Added(added=added, failed=failed))


def remove(desk: Desk, job: Job) -> Done:
    """Remove a document."""
    corpus, name = _corpus(desk, job), job.told["document"]
    if name not in corpus:
        raise UnknownError(f"there is no document {name!r} in this corpus")
    corpus.remove(name)
    return Done(b"")


def documents(desk: Desk, job: Job) -> Done:
    """List documents."""
    request = requests.ListRequest.model_validate_json(job.body)
    rows = (row for row in _corpus(desk, job).documents if row.id > request.after)
    shown = list(islice(rows, request.limit))
    told = [
        replies.DocumentFacts(name=row.id, tokens=row.tokens, metadata=dict(row.metadata))
        for row in shown
    ]
    return reply_of(replies.DocumentList(documents=told, more=next(rows, None) is not None))


WORK: dict[str, Work] = {
    "corpus_compress": compress,
    "corpus_describe": describe,
    "corpus_create": create,
    "corpus_delete": delete,
    "corpus_add": add,
    "corpus_remove": remove,
    "corpus_documents": documents,
}
"""Every job to a corpus, by name."""
