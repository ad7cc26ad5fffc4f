"""A stream of a repository's history, read with the real git from repositories made here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from homeostat.collect.git import ROOT_FILES, part_of, read_git
from homeostat.collect.stream import Split, default_split
from homeostat.errors import EmptyStream, NotARepository


class Repository:
    """A git repository with commits at known times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = 1_000_000_000
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> None:
        """Run git in it, as nobody in particular, at the clock's time."""
        who = {f"GIT_{r}_{k}": v for r in ("AUTHOR", "COMMITTER") for k, v in (("NAME", "N"), ("EMAIL", "n@x.org"))}
        when = {"GIT_AUTHOR_DATE": f"{self.clock - 500} +0000", "GIT_COMMITTER_DATE": f"{self.clock} +0000"}
        environment = {**os.environ, **who, **when, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", "-C", str(self.folder), *words], check=True, capture_output=True, env=environment)

    def commit(self, subject: str, *files: str) -> None:
        """Change these files and commit, a minute after the last commit."""
        self.clock += 60
        for name in files:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(f"{self.clock}")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_subjects_become_texts_and_the_part_most_files_touch_becomes_the_label(repository: Repository) -> None:
    """Rows come oldest first with the committer's times, split by position."""
    for k in range(12):
        repository.commit(f"fix number {k}", "src/a.py", f"src/sub/{k}.py", "tests/test_a.py")
        repository.commit(f"explain {k}\n\nA body that is not read.", f"docs/{k} ä\n.md")
    rows = read_git(repository.folder, min_commits=5)
    assert [r.text for r in rows[:2]] == ["fix number 0", "explain 0"]
    assert [r.label for r in rows] == ["src", "docs"] * 12
    assert [r.time for r in rows] == [1_000_000_000.0 + 60 * k for k in range(1, 25)]
    assert [r.split for r in rows] == [default_split(k, 24) for k in range(24)]
    assert {r.split for r in rows} == set(Split)


def test_merges_empty_commits_ties_and_small_parts_are_left_out(repository: Repository) -> None:
    """What names no one part is no row; a part with too few commits is dropped, not merged into another."""
    for k in range(10):
        repository.commit(f"work {k}", f"src/{k}.py")
    repository.commit("touches both alike", "src/x.py", "docs/x.md")
    repository.commit("nothing at all")
    repository.commit("rare", "ci/x.yaml")
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("on the side", "src/side.py")
    repository.git("checkout", "-q", "main")
    repository.commit("on main", "src/main.py")
    repository.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    texts = [r.text for r in read_git(repository.folder, min_commits=2)]
    assert texts == [f"work {k}" for k in range(10)] + ["on the side", "on main"]


def test_people_are_taken_out_of_subjects(repository: Repository) -> None:
    """Addresses and handles go; a commit whose subject was nothing else goes too; paths with @ stay."""
    for k in range(10):
        repository.commit(f"thanks @jo-{k} and <jo.{k}@mail.example.org> for {k} in a/@types", f"src/{k}")
    repository.commit("@somebody", "src/y")
    texts = [r.text for r in read_git(repository.folder, min_commits=1)]
    assert texts == [f"thanks and for {k} in a/@types" for k in range(10)]


def test_a_number_of_newest_commits_can_be_kept(repository: Repository) -> None:
    """`newest` cuts off the old end of the history."""
    for k in range(20):
        repository.commit(f"work {k}", f"src/{k}.py")
    assert [r.text for r in read_git(repository.folder, newest=8, min_commits=1)] == [
        f"work {k}" for k in range(12, 20)
    ]


def test_bare_repositories_and_folders_inside_one_are_read_alike(repository: Repository, tmp_path: Path) -> None:
    """A mirror without a work tree serves as well as a checkout or a folder of it."""
    for k in range(10):
        repository.commit(f"work {k}", f"src/{k}.py")
    repository.git("clone", "-q", "--bare", str(repository.folder), str(tmp_path / "bare"))
    rows = read_git(repository.folder, min_commits=1)
    assert read_git(tmp_path / "bare", min_commits=1) == rows
    assert read_git(repository.folder / "src", min_commits=1) == rows


def test_what_is_no_repository_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain folder, a missing one, a repository without commits and a machine without git have one error."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    plain = tmp_path / "plain"
    plain.mkdir()
    for folder in (plain, tmp_path / "nowhere", Repository(tmp_path / "empty").folder):
        with pytest.raises(NotARepository, match="no history to read"):
            read_git(folder)
    monkeypatch.setenv("PATH", str(plain))
    with pytest.raises(NotARepository, match="git program"):
        read_git(plain)


def test_a_history_too_short_for_the_story_is_empty(repository: Repository) -> None:
    """With no part of at least `min_commits` commits there are no rows to train, serve and measure with."""
    repository.commit("only one", "src/a.py")
    with pytest.raises(EmptyStream):
        read_git(repository.folder)


def test_the_part_is_the_folder_with_more_files_than_any_other() -> None:
    """Files beside all folders form a part of their own; a tie is no part."""
    assert part_of(["a/x", "a/y", "b/z"]) == "a"
    assert part_of(["README.md", "setup.py", "a/x"]) == ROOT_FILES
    assert part_of(["a/x", "b/y"]) == ""
    assert part_of([]) == ""
