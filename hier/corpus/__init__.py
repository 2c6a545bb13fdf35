"""Corpora: many documents in one file, asked under one budget."""
