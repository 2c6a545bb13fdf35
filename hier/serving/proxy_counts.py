"""Counts: what a proxy has done since it was started, as JSON and as Prometheus reads it."""

from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """What a proxy has done.

    Attributes:
        requests: all that were sent on, or refused.
        read: those whose conversation was read.
        compressed: those whose conversation was compressed.
        refused: those that were answered with an error of the proxy's own.
        tokens_before: tokens of all conversations that were read.
        tokens_after: tokens of those that were sent on in their place.
        seconds: processing time of reading and compressing them.
        in_flight: requests that are being worked on.
    """

    requests: int = 0
    read: int = 0
    compressed: int = 0
    refused: int = 0
    tokens_before: int = 0
    tokens_after: int = 0
    seconds: float = 0.0
    in_flight: int = 0

    def to_dict(self) -> dict[str, float]:
        """Return the counts, and the tokens that were not sent."""
        return {**asdict(self), "tokens_saved": self.tokens_before - self.tokens_after}

    def to_prometheus(self) -> str:
        """Return the counts in Prometheus's text format."""
        lines = []
        for name, value in self.to_dict().items():
            kind = "gauge" if name == "in_flight" else "counter"
            full = f"hier_proxy_{name}" + ("" if kind == "gauge" else "_total")
            lines += [
                f"# TYPE {full} {kind}",
                f"{full} {value:g}" if value % 1 else f"{full} {value:.0f}",
            ]
        return "\n".join(lines) + "\n"
