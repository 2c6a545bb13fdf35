"""Find the English words that are ordinary: written without a capital wherever grammar lets them.

A name looks like any word that starts a sentence. What tells them apart is how often a word is
written in lower case elsewhere, and the merges of a byte-pair tokenizer keep that count: the more
frequent of " jones" and " Jones" was merged first (run once, by a maintainer)::

    python scripts/find_ordinary_words.py
"""

import importlib.util
import os
from pathlib import Path

DATA = Path(__file__).parents[1] / "retrieval" / "data"
ENCODINGS = ("o200k_base", "cl100k_base")
# "However" starts sentences so often that its capital form was merged a little earlier.
MOST = 1.3


def main() -> None:
    """Write ``ordinary_words.txt``: those words of the static vocabulary, a line each."""
    bundled = importlib.util.find_spec("llama_index.core")
    if bundled is None or bundled.origin is None:
        raise SystemExit("llama-index-core is not installed: pip install llama-index-core")
    tables = Path(bundled.origin).parent / "_static" / "tiktoken_cache"
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(tables))
    import tiktoken

    encodings = [tiktoken.get_encoding(name) for name in ENCODINGS]

    def rank(encoding: tiktoken.Encoding, word: str) -> int | None:
        try:
            return encoding.encode_single_token(f" {word}")
        except KeyError:
            return None

    def ordinary(word: str) -> bool:
        ranks = [(rank(one, word), rank(one, word.capitalize())) for one in encodings]
        seen = [(lower, capital) for lower, capital in ranks if lower or capital]
        return bool(seen) and all(
            lower is not None and (capital is None or lower < MOST * capital)
            for lower, capital in seen
        )

    vocabulary = (DATA / "static_vocabulary.txt").read_text(encoding="utf-8").split("\n")
    words = [w for w in vocabulary if len(w) > 1 and w.isascii() and w.isalpha() and ordinary(w)]
    (DATA / "ordinary_words.txt").write_text("\n".join(sorted(words)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
