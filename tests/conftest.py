"""What every test may ask for: a long real text, the folder of data sets, allocation problems,
the command line.

`st.from_type(Problem)` draws small problems, with all that can be in one.

`--hypothesis-profile=thorough` tries many more examples than the default. In CI the examples are
the same on every run, so that a red run is red for everyone.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from servers import ModelServer

import hier
from hier.problem import Groups, Problem
from hier.tree import Tree

# The asserts of what tests share say what was compared, as those of tests do.
pytest.register_assert_rewrite("house", "shown", "talks")

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


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw a problem small enough to try every choice: runs, headings above and among, rivals."""
    n, n_targets = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    n_headings = draw(st.integers(0, 3))

    def several(one: st.SearchStrategy, number: int) -> list:
        return draw(st.lists(one, min_size=number, max_size=number))

    share = st.sampled_from([0.0, 0.0, 0.25, 0.5, 0.9, 1.0])
    fidelity = np.array([several(share, n_targets) for _ in range(n)], np.float32)
    rows, targets = np.nonzero(fidelity)
    follows = several(st.booleans(), n)
    paths = [list(range(first, end)) for first in range(n_headings) for end in (first, n_headings)]
    heading = np.full(n, -1)
    titles = draw(st.permutations(range(n)))[:n_headings]
    for number, candidate in enumerate(titles):
        if draw(st.booleans()):
            heading[candidate] = number
    under = several(st.sampled_from(paths or [[]]), n)
    rival = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3))
    return Problem(
        weights=np.array(several(st.floats(0, 10), n_targets)),
        cover=Groups(np.searchsorted(rows, np.arange(n + 1)), targets),
        fidelity=fidelity[rows, targets],
        size=np.array(several(st.integers(0, 9), n)),
        apart=np.full(n, draw(st.integers(0, 3))),
        left=np.array([i - 1 if i and follows[i] else -1 for i in range(n)]),
        under=Groups.of(
            [[h for h in path if h != own] for path, own in zip(under, heading, strict=True)]
        ),
        heading_price=np.array(several(st.integers(1, 6), n_headings), np.int64),
        heading=heading,
        rivals={i: [j for j in rival if j != i] for i in rival} if len(rival) > 1 else {},
    )


st.register_type_strategy(Problem, problems())


@pytest.fixture(scope="session", autouse=True)
def nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the user's summaries nor his settings are read or written."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIER_CACHE", str(folder))
        patch.setenv("HIER_CONFIG", str(folder / "config.toml"))
        yield


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
def tree(long_text: str) -> Tree:
    """The first 120,000 characters of the long text, read."""
    return hier.build(long_text[:120_000])


@pytest.fixture(scope="session")
def chapters() -> Tree:
    """A small text of two chapters, with nothing to choose between their sentences."""
    fruits = "apple pear plum cherry quince medlar fig lime lemon orange".split()
    tools = "hammer saw drill file plane chisel vice clamp level rasp".split()
    text = "# Fruit\n\n" + " ".join(f"The {word} ripens late in the year." for word in fruits)
    text += "\n\n# Tools\n\n" + " ".join(
        f"A {word} hangs on the wall of the shop." for word in tools
    )
    return hier.build(text + "\n")


@pytest.fixture(scope="session")
def data_folder() -> Path | None:
    """The folder of data sets, named by HIER_DATA or beside the repository; None when absent."""
    named = os.environ.get("HIER_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: status, stdout, stderr."""
    from hier.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return ended.value.code, out.decode(), err.decode()

    return run


@pytest.fixture(scope="session")
def shared_model_server() -> Iterator[ModelServer]:
    """A scripted server of language models, started once; ask for `model_server` instead."""
    server = ModelServer()
    yield server
    server.stop()


@pytest.fixture
def model_server(shared_model_server: ModelServer) -> ModelServer:
    """A scripted server of language models, as it was started: `configure` it."""
    return shared_model_server.configure()


@pytest.fixture(scope="session")
def real_model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """A server whose replies are real inference, by a tiny model of random weights."""
    server = ModelServer(folder=str(tmp_path_factory.mktemp("tiny") / "model"))
    yield server
    server.stop()
