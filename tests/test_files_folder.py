"""Folders: which files are read and why others are not; git itself says what is ignored."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hier
from hier.files import folder as folders
from hier.files.folder import walk
from hier.files.reading import read_file


def make(root, *paths, text="x"):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def ids(listing):
    return [file.id for file in listing.files]


def reasons(listing):
    return {skipped.id: skipped.reason for skipped in listing.skipped}


def test_files_are_listed_by_their_path_with_their_facts(tmp_path):
    make(tmp_path, "b.txt", "a/z.md", "a-b.txt", "a/b/c.py", "Z.txt")
    listing = walk(tmp_path)
    assert ids(listing) == sorted(["b.txt", "a/z.md", "a-b.txt", "a/b/c.py", "Z.txt"])
    for file in listing.files:
        facts = file.path.stat()
        assert (file.size, file.mtime_ns, file.ino) == (1, facts.st_mtime_ns, facts.st_ino)
        assert file.path == tmp_path / file.id
        assert read_file(file.path).text == "x"
    assert listing.skipped == ()


def test_what_is_not_read_is_listed_with_its_reason(tmp_path):
    make(tmp_path, "a.txt", ".secret", ".git/config", "photo.PNG", "logs/a.log", "deep/.x/y.txt")
    make(tmp_path, "empty.txt", text="")
    make(tmp_path, ".gitignore", text="*.log\n")
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.txt").open("wb") as stream:
        stream.truncate(1 << 40)
    listing = walk(tmp_path)
    assert ids(listing) == ["a.txt"]
    assert reasons(listing) == {
        ".secret": "hidden",
        ".git": "hidden",
        ".gitignore": "hidden",
        "deep/.x": "hidden",
        "photo.PNG": "binary (.png)",
        "logs/a.log": "ignored by .gitignore",
        "empty.txt": "empty",
        "pipe": "not a regular file",
        "huge.txt": "too large: 1,099,511,627,776 bytes, at most 536,870,912",
    }
    assert [skipped.id for skipped in listing.skipped] == sorted(reasons(listing))


def test_links_to_files_are_followed_and_loops_never(tmp_path):
    make(tmp_path, "in/a/file.txt", "out/far.txt")
    root = tmp_path / "in"
    (root / "inside.txt").symlink_to(root / "a" / "file.txt")
    (root / "outside.txt").symlink_to("../out/far.txt")
    (root / "broken.txt").symlink_to("nowhere")
    (root / "itself.txt").symlink_to("itself.txt")
    (root / "a" / "up").symlink_to("..")
    (root / "beside").symlink_to("a")
    (root / "away").symlink_to(tmp_path / "out")
    listing = walk(root)
    assert ids(listing) == ["a/file.txt", "inside.txt", "outside.txt"]
    assert reasons(listing) == {
        "broken.txt": "broken link",
        "itself.txt": "symlink loop",
        "a/up": "symlink loop",
        "beside": "link to a folder inside",
        "away": "link to a folder outside",
    }


def test_a_folder_may_be_reached_by_a_link(tmp_path):
    make(tmp_path, "real/a.txt")
    (tmp_path / "link").symlink_to("real")
    assert ids(walk(tmp_path / "link")) == ["a.txt"]


def test_names_that_are_no_utf8_have_readable_ids(tmp_path):
    names = [b"gr\xfcn.txt", "grün.txt".encode(), b"caf\xe9/a.txt"]
    for name in names:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    make(tmp_path, "gr\\xfcn.txt")  # the very name that stands for another's bytes
    listing = walk(tmp_path)
    assert ids(listing) == ["caf\\xe9/a.txt", "gr\\xfcn.txt", "grün.txt"]
    assert reasons(listing) == {"gr\\xfcn.txt": "its readable name is another file's; rename it"}
    assert all(read_file(file.path).text == "x" for file in listing.files)
    assert walk(tmp_path) == listing


def test_a_folder_without_permission_is_skipped_and_the_rest_is_read(tmp_path, monkeypatch):
    make(tmp_path, "a.txt", "locked/b.txt")
    scandir = os.scandir

    def refuse(path):  # root may read everything
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(folders.os, "scandir", refuse)
    listing = walk(tmp_path)
    assert ids(listing) == ["a.txt"]
    assert reasons(listing) == {"locked": "no permission"}


def test_what_is_no_folder_is_named(tmp_path):
    make(tmp_path, "a.txt")
    with pytest.raises(hier.InputError, match="gone does not exist; check the path"):
        walk(tmp_path / "gone")
    with pytest.raises(hier.InputError, match=r"a.txt is no folder; pass the folder that holds it"):
        walk(tmp_path / "a.txt")


def test_a_thousand_files_are_listed_in_a_moment(tmp_path):
    for number in range(1000):
        make(tmp_path, f"d{number % 20}/e{number % 7}/f{number}.md")
    make(tmp_path, ".gitignore", text="".join(f"*.x{n}\n/build{n}/\n" for n in range(20)))
    times = []
    for _ in range(3):
        started = time.process_time()
        assert len(walk(tmp_path).files) == 1000
        times.append(time.process_time() - started)
    assert min(times) < 0.3  # 0.05 s where nothing else runs


# What git ignores


def git(root, *arguments, text=None):
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", *arguments],
        cwd=root,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def as_git_sees(root):
    """The files that git would add, those of hidden folders and hidden names left out."""
    listed = git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    hidden = (any(part.startswith(".") for part in Path(path).parts) for path in listed)
    return sorted(
        path for path, is_hidden in zip(listed, hidden, strict=True) if path and not is_hidden
    )


NAMES = ("a", "b", "ab", "a.txt", "b.txt", "c.py", "build", "x y", "ä")
PATTERN = st.sampled_from(
    "a|b|*.txt|*.py|/a|/build|build/|a/|a/*|!a.txt|!b.txt|!a|!build/|**/b|a/**|**/a/b|a/b|/a/b|*|!*/|"
    "!*.py|# note|\\#x|[ab]|[!a]|a?|?b|*b|x\\ y|x y|ä|*.*|/*|!/a|**|a/**/b.txt|b.txt |!|/|//a|a//b|"
    "[a-c].txt|[|a\\|**/|build/**|!build/a.txt".split("|")
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), min_size=1, max_size=12),
    st.lists(PATTERN, max_size=5),
    st.lists(PATTERN, max_size=3),
    st.sampled_from(["a", "b", "build", "build/a"]),
)
def test_git_ignores_the_same(tmp_path_factory, paths, rules, inner, where):
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    for parts in paths:
        path = root.joinpath(*parts)
        if not any(parent.is_file() for parent in path.parents) and not path.exists():
            make(root, "/".join(parts))
    make(root, ".gitignore", text="\n".join(rules) + "\n")
    if (root / where).is_dir():
        make(root, f"{where}/.gitignore", text="\r\n".join(inner))
    assert ids(walk(root)) == as_git_sees(root)


def test_the_rules_above_a_folder_hold_in_it_up_to_its_repository(tmp_path):
    make(tmp_path, ".gitignore", text="*.md\n")  # outside of the repository
    root = tmp_path / "repository"
    make(root, ".gitignore", text="*.log\n/docs/draft\nbuild/\n")
    make(root, "docs/.gitignore", text="!keep.log\n")
    make(root, "docs/a.md", "docs/a.log", "docs/keep.log", "docs/draft/b.txt", "build/c.txt")
    git(root, "init", "-q")
    assert ids(walk(root / "docs")) == ["a.md", "keep.log"]
    assert as_git_sees(root) == ["docs/a.md", "docs/keep.log"]
    # A folder that is ignored was named on purpose.
    assert ids(walk(root / "build")) == ["c.txt"]


def test_without_a_repository_only_the_rules_in_the_folder_hold(tmp_path):
    make(tmp_path, ".gitignore", text="*.md\n")
    make(tmp_path, "notes/a.md", "notes/a.txt", "notes/b.txt")
    make(tmp_path, "notes/.gitignore", text="\ufeff/b.txt\n")
    assert ids(walk(tmp_path / "notes")) == ["a.md", "a.txt"]
