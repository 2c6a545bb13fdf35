"""The ledger: every call of a model, what it was for, and what it cost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hier.errors import InputError
from hier.summarizers.calls import Call, Purpose

PURPOSES: tuple[Purpose, ...] = ("indexing", "selecting", "answering")
_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What tokens cost.

    Attributes:
        input: money for a million tokens sent.
        output: money for a million tokens received.
        cached: money for a million tokens sent that the server had at hand; None: as ``input``.
        joules: energy of a token, sent or received; None leaves energy out.
        source: where that figure is from.
    """

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    joules: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        for name in ("input", "output", "cached", "joules"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise InputError(f"price {name}={value!r} is not a number of 0 or more")
        if self.joules is not None and not self.source:
            raise InputError("joules a token need their source: say where the figure is from")

    def of(self, input_tokens: int, output_tokens: int, cached: int = 0) -> float:
        """Return the money for some tokens; cached ones are among those sent."""
        kept = self.input if self.cached is None else self.cached
        sent = (input_tokens - cached) * self.input + cached * kept
        return (sent + output_tokens * self.output) / _MILLION


@dataclass(frozen=True)
class Total:
    """What some calls took together.

    Attributes:
        calls: requests that were sent, those that failed among them.
        failed: requests that gave no reply of use.
        saved: calls that the cache made needless.
        input: tokens sent, cached ones among them.
        output: tokens received.
        cached: tokens sent that the server had at hand.
        seconds: time waited for replies, the sum over calls in flight together.
        money: by the ledger's prices.
        joules: by the ledger's prices; None where energy is left out.
        counted: tokens among them that no server told and that were counted here.
    """

    calls: int
    failed: int
    saved: int
    input: int
    output: int
    cached: int
    seconds: float
    money: float
    joules: float | None
    counted: int

    @property
    def tokens(self) -> int:
        """Tokens sent and received."""
        return self.input + self.output


@dataclass
class Ledger:
    """Every call that was made, in the order in which they ended; grows while it is used.

    Attributes:
        prices: what tokens cost.
        calls: the calls.
        notes: what was done in place of what was asked for, such as a summary replaced.
    """

    prices: Prices = field(default_factory=Prices)
    calls: list[Call] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def record(self, call: Call) -> None:
        """Add a call."""
        self.calls.append(call)

    def note(self, what: str) -> None:
        """Add a remark."""
        self.notes.append(what)

    def total(self, purpose: Purpose | None = None) -> Total:
        """Return what the calls took, of one purpose or of all."""
        some = [call for call in self.calls if purpose in (None, call.purpose)]
        sent = [call for call in some if call.outcome != "cache"]
        tokens = [sum(getattr(c, name) for c in sent) for name in ("input", "output", "cached")]
        joules = self.prices.joules
        return Total(
            calls=len(sent),
            failed=sum(call.outcome != "reply" for call in sent),
            saved=len(some) - len(sent),
            input=tokens[0],
            output=tokens[1],
            cached=tokens[2],
            seconds=sum(call.seconds for call in sent),
            money=self.prices.of(*tokens),
            joules=None if joules is None else joules * (tokens[0] + tokens[1]),
            counted=sum(call.input + call.output for call in sent if not call.told),
        )

    def faults(self) -> dict[str, int]:
        """Return how often what went wrong, most often first."""
        return dict(Counter(c.outcome for c in self.calls if c.outcome not in ("reply", "cache")))

    def to_dict(self) -> dict[str, Any]:
        """Return totals, faults, notes and calls as plain values that JSON can hold."""
        return {
            "total": asdict(self.total()),
            **{purpose: asdict(self.total(purpose)) for purpose in PURPOSES},
            "faults": self.faults(),
            **self.saved(),
        }

    def saved(self) -> dict[str, Any]:
        """Return what ``read`` makes this ledger of again, as plain values."""
        calls = [asdict(call) for call in self.calls]
        return {"prices": asdict(self.prices), "calls": calls, "notes": list(self.notes)}

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> "Ledger":
        """Return the ledger that ``saved`` was made of."""
        calls = [Call(**call) for call in saved["calls"]]
        return cls(Prices(**saved["prices"]), calls, list(saved["notes"]))

    def table(self) -> str:
        """Return one line a purpose, a total, and what went wrong."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterable[str]:
        names = ("input", "cached", "output", "seconds")
        yield f"{'':10}{'calls':>7}{'saved':>7}" + "".join(f"{name:>10}" for name in names)
        shown = [p for p in PURPOSES if any(call.purpose == p for call in self.calls)]
        for purpose in (*shown, None):
            total = self.total(purpose)
            yield (
                f"{purpose or 'total':10}{total.calls:>7,}{total.saved:>7,}{total.input:>10,}"
                f"{total.cached:>10,}{total.output:>10,}{total.seconds:>10.1f}"
            )
        total = self.total()
        if total.money:
            yield f"money: {total.money:.4f}"
        if total.joules is not None:
            yield f"energy: {total.joules:,.0f} J ({self.prices.source})"
        if total.counted:
            yield f"{total.counted:,} of these tokens were counted here: the server did not tell"
        faults = ", ".join(f"{what} {times}" for what, times in self.faults().items())
        if faults:
            yield f"went wrong and was tried again: {faults}"
        yield from self.notes
