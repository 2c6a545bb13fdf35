"""Settings of models: from the options of a command, and from a file beside.

The file is TOML, at ``--config``, else where ``HIER_CONFIG`` says, else ``hier/config.toml`` in the
user's folder of settings. It names models; options that are typed go before it::

    [models."ollama/llama3.2"]
    window = 8192
    in_flight = 4
    prices = { input = 0.15, output = 0.60, cached = 0.075 }  # money for a million tokens

Keys are never read from it: they stay in the environment.
"""

import os
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hier.errors import InputError
from hier.ledger import Prices

if TYPE_CHECKING:
    from hier.summarizers.language_model import LanguageModel


@dataclass(frozen=True)
class ModelSettings:
    """How a model is reached, and what it costs; None is whatever the model's client does.

    Attributes:
        base_url: where its server is.
        window: tokens it reads and writes together.
        in_flight: most calls at once.
        timeout: seconds a call may take.
        attempts: most attempts of one call.
        calls_per_minute: most calls sent in a minute.
        prices: what its tokens cost.
    """

    base_url: str | None = None
    window: int | None = None
    in_flight: int | None = None
    timeout: float | None = None
    attempts: int | None = None
    calls_per_minute: float | None = None
    prices: Prices = field(default_factory=Prices)

    def over(self, other: "ModelSettings") -> "ModelSettings":
        """Return these settings where they say something, the other's where they do not."""
        typed = {f.name: getattr(self, f.name) for f in fields(self)}
        said = {name: value for name, value in typed.items() if value is not None}
        own, theirs = self.prices, other.prices
        if own == Prices(joules=own.joules, source=own.source):  # no money is said
            energy = theirs if own.joules is None else own
            said["prices"] = replace(theirs, joules=energy.joules, source=energy.source)
        return replace(other, **said)

    def open(self, name: str) -> "LanguageModel":
        """Return the model of a name, such as ``"ollama/llama3.2"``, by these settings.

        Raises:
            ModelError: the name is not known, or a setting is out of range.
            MissingExtraError: the package that speaks with its provider is not installed.
        """
        from hier.summarizers.language_model import LanguageModel
        from hier.summarizers.providers import load_model

        model = load_model(name, base_url=self.base_url, window=self.window)
        return LanguageModel(model, **self.calling())

    def calling(self) -> dict[str, Any]:
        """Return what ``LanguageModel`` is told."""
        names = ("window", "in_flight", "timeout", "attempts", "calls_per_minute")
        told = {name: getattr(self, name) for name in names}
        return {name: value for name, value in told.items() if value is not None}


def default_path() -> Path:
    """Return where settings are looked for."""
    if named := os.environ.get("HIER_CONFIG"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("hier", appauthor=False) / "config.toml"


def read_settings(path: Path | None = None) -> dict[str, ModelSettings]:
    """Return the settings of each model that a file names.

    Args:
        path: the file; None for the usual one, which need not be there.

    Raises:
        InputError: it cannot be read, or says what is no setting.
    """
    named = path is not None
    path = path or default_path()
    try:
        if not named and not path.exists():
            return {}
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"the settings {path} cannot be read: {why}; mend the file") from error
    try:
        models = said.pop("models", {})
        if said:
            raise TypeError(f"it has {', '.join(said)}; known is models")
        return {name: _settings(**told) for name, told in models.items()}
    except (TypeError, AttributeError, ValueError, InputError) as error:
        known = ", ".join(f.name for f in fields(ModelSettings))
        raise InputError(
            f"the settings {path} cannot be used: {error}; a model has {known}"
        ) from error


def _settings(prices: dict[str, Any] | None = None, **told: Any) -> ModelSettings:
    for name, kind in (("base_url", str), ("window", int), ("in_flight", int), ("attempts", int)):
        if name in told and not isinstance(told[name], kind):
            raise TypeError(f"{name} = {told[name]!r} is no {kind.__name__}")
    return ModelSettings(**told, prices=Prices(**(prices or {})))
