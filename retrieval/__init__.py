"""Vectors and scores: words, static and neural embedders, BM25, dense search, relevance."""
