"""The arena's systems, one file a family."""
