"""Commits from clean clones: what goes wrong on the way is named, with the log."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.guardrails.benchmark.commits import Work, build, measure, resolve
from tools.guardrails.benchmark.results import BenchmarkError
from tools.guardrails.judges.testing import table

BUILDS = "#!/bin/sh\nmkdir -p dist/firmware && cp README dist/firmware/boot_img.img\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three commits: one that builds, one whose build ends without an image, and one that does not build."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for variable in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{variable}_NAME", "a")
        monkeypatch.setenv(f"GIT_{variable}_EMAIL", "a@example.org")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for script in (BUILDS, "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho no compiler\nexit 3\n"):
        (folder / "pants").write_text(script)
        (folder / "pants").chmod(0o755)
        (folder / "README").write_text(f"of {len(script)}")
        subprocess.run(["git", "-C", folder, "add", "."], check=True)
        subprocess.run(["git", "-C", folder, "commit", "--quiet", "-m", "x"], check=True)
    return folder


def work(repository: Path, name: str) -> Work:
    return Work(repository, resolve(repository, name), repository.parent / f"work-{name[-1]}")


def test_a_commit_is_built_from_a_clean_clone(repository: Path) -> None:
    (repository / "README").write_text("not committed")
    image = build(work(repository, "HEAD~2"))
    assert image.read_text() == f"of {len(BUILDS)}"


def test_a_build_that_fails_names_its_log(repository: Path) -> None:
    failing = work(repository, "HEAD")
    with pytest.raises(BenchmarkError, match="ended with 3; see .*build.log"):
        build(failing)
    assert "no compiler" in failing.log.read_text()


def test_a_build_without_an_image_is_none(repository: Path) -> None:
    with pytest.raises(BenchmarkError, match="expected dist/firmware/boot_img.img"):
        build(work(repository, "HEAD~1"))


@pytest.mark.parametrize("name", ["gone", "HEAD~9", "--help"])
def test_a_commit_that_is_not_there_is_said(repository: Path, name: str) -> None:
    with pytest.raises(BenchmarkError, match="expected a commit of .*, found '"):
        resolve(repository, name)


@pytest.mark.parametrize("name", ["a_file", "gone"])
def test_what_is_no_repository_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "a_file").write_text("")
    with pytest.raises(BenchmarkError, match="expected a commit of .*, found 'HEAD'"):
        resolve(tmp_path / name, "HEAD")


def test_an_image_that_cannot_be_booted_is_said(repository: Path) -> None:
    built = work(repository, "HEAD~2")
    with pytest.raises(BenchmarkError, match=f"^{built.commit[:12]}: "):
        measure(built, build(built), table())
