"""Files that a server may read: only those below the folders named at its start."""

import os
from pathlib import Path

import pytest

from hier.errors import InputError
from hier.serving.folders import Folders


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder that is open, and a secret beside it."""
    (tmp_path / "open" / "deep").mkdir(parents=True)
    (tmp_path / "open" / "plain.txt").write_text("plain")
    (tmp_path / "open" / "deep" / "näher %2e.txt").write_text("deep")
    (tmp_path / "open" / ".env").write_text("TOKEN=1")
    (tmp_path / "open" / ".git").mkdir()
    (tmp_path / "open" / ".git" / "config").write_text("url")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "opener").mkdir()
    (tmp_path / "opener" / "x.txt").write_text("its name begins alike")
    (tmp_path / "open" / "out.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "open" / "up").symlink_to(tmp_path)
    (tmp_path / "open" / "in.txt").symlink_to("plain.txt")
    (tmp_path / "open" / "ring").symlink_to("ring")
    (tmp_path / "open" / "env.txt").symlink_to(".env")
    os.mkfifo(tmp_path / "open" / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("plain.txt", "plain"),
        ("./deep/../plain.txt", "plain"),
        ("deep/näher %2e.txt", "deep"),
        ("in.txt", "plain"),
    ],
)
def test_files_below_the_folder_are_found(house: Path, path: str, words: str) -> None:
    folders = Folders([house / "open"])
    assert folders.find(path).read_text() == words
    assert folders.find(str(house / "open" / path)).read_text() == words


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "deep/../../secret.txt", "..", ".", "deep", "../opener/x.txt",
        "/etc/passwd", "../../../../../../etc/passwd", "out.txt", "up/secret.txt",
        "up/../secret.txt",
        "ring", "ring/x", "pipe", ".env", "env.txt", ".git/config", "missing.txt", "plain.txt/x",
        "..%2fsecret.txt", "%2e%2e/secret.txt", "..\\secret.txt", "plain.txt\0", "x" * 5000,
        "~/.bashrc", "/dev/zero", "/proc/self/environ",
    ],
)  # fmt: skip
def test_what_is_elsewhere_is_answered_like_what_is_missing(house: Path, path: str) -> None:
    with pytest.raises(InputError) as refused:
        Folders([house / "open"]).find(path)
    said = str(refused.value).replace(repr(path), "PATH")
    assert said.startswith("PATH is no file in a folder that is open")
    assert str(house) not in said


def test_an_absolute_path_outside_is_missing_whether_it_is_there_or_not(house: Path) -> None:
    folders = Folders([house / "open"])
    said = set()
    for path in (house / "secret.txt", house / "nothing.txt"):
        with pytest.raises(InputError) as refused:
            folders.find(str(path))
        said.add(str(refused.value).replace(str(path), "PATH"))
    assert len(said) == 1


@pytest.mark.parametrize(
    "url", ["http://a/b", "file:///etc/passwd", "FTP://x", "data:text/plain,x"]
)
def test_nothing_is_fetched(house: Path, url: str) -> None:
    with pytest.raises(InputError, match="is a URL, and nothing is fetched"):
        Folders([house / "open"]).find(url)


@pytest.mark.parametrize("path", ["", "  ", None, 7, b"plain.txt"])
def test_a_path_is_a_text(house: Path, path: object) -> None:
    with pytest.raises(InputError, match="the path of a file is wanted"):
        Folders([house / "open"]).find(path)  # type: ignore[arg-type]


def test_without_a_folder_nothing_is_read(house: Path) -> None:
    with pytest.raises(InputError, match="--folder DIR"):
        Folders().find("plain.txt")


def test_a_root_is_a_folder(house: Path) -> None:
    for root in (house / "secret.txt", house / "nowhere"):
        with pytest.raises(InputError, match="no folder"):
            Folders([root])


def test_several_folders_are_looked_through_in_order(house: Path) -> None:
    (house / "other").mkdir()
    (house / "other" / "plain.txt").write_text("other")
    (house / "other" / "more.txt").write_text("more")
    folders = Folders([house / "open", house / "other"])
    assert folders.find("plain.txt").read_text() == "plain"
    assert folders.find("more.txt").read_text() == "more"
    assert folders.find(str(house / "other" / "plain.txt")).read_text() == "other"
