"""Asking: a model answers questions about a text within one budget for all that is billed."""
