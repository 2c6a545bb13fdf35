"""hier: reads a long text once, then says what a model should see of it within a token budget."""

from hier.errors import HierError

__all__ = ["HierError"]
__version__ = "0.1.0"
