"""Text in, shorter text out: extractive summaries and those a model writes."""
