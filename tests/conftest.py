"""What every test may ask for: a long real text, the folder of data sets, and hypothesis profiles.

`--hypothesis-profile=thorough` tries many more examples than the default. In CI the examples are
the same on every run, so that a red run is red for everyone.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# A slow machine is not a fault of the code under test: no deadline, no complaint about slowness.
settings.register_profile(
    "local", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci", settings.get_profile("local"), derandomize=True, print_blob=True, database=None
)
settings.register_profile("thorough", settings.get_profile("local"), max_examples=5_000)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def long_text() -> str:
    """The reference topics that every Python carries, about 100,000 tokens of structured prose."""
    from pydoc_data import topics

    return "\n\n".join(text.strip("\n") for text in topics.topics.values()) + "\n"


@pytest.fixture(scope="session")
def data_folder() -> Path | None:
    """The folder of data sets, named by HIER_DATA or beside the repository; None when absent."""
    named = os.environ.get("HIER_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if folder.is_dir() else None
