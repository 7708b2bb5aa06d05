"""A second clone of this repository, built in an environment that differs in everything which must not matter."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# What the second clone is made of: as `//:sources` in the root BUILD file.
TREE = (
    ".clang-format",
    "3rdparty",
    "BUILD",
    "LICENSE",
    "firmware",
    "pants",
    "pants-plugins",
    "pants.toml",
    "tools",
)

# uid and gid of the other user, in a user namespace.
OTHER_ID = 4242


class SecondCloneError(RuntimeError):
    """The second build failed; the message is what it printed."""


@dataclass(frozen=True)
class SecondClone:
    """A copy of the sources in `folder`, and its own home, caches and temporary files beside them.

    `cache` is the launcher's cache of the first build: it lends its interpreters and, as the only
    package index, its wheels. Nothing is written to it.
    """

    folder: Path
    cache: Path

    @property
    def sources(self) -> Path:
        return self.folder / "a" / "deeper" / "place"

    @property
    def environment(self) -> dict[str, str]:
        home = self.folder / "home"
        return {
            "HOME": str(home),
            "LC_ALL": "C",
            "LLM_BAREMETAL_CACHE": str(home / "launcher"),
            "LOGNAME": "somebody",
            "PATH": f"{self.cache}/pythons:/usr/bin:/bin",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.cache / "wheelhouse"),
            "PIP_NO_INDEX": "1",
            "TMPDIR": str(self.folder / "tmp"),
            "TZ": "Pacific/Kiritimati",
            "USER": "somebody",
        }

    def populate(self, original: Path) -> None:
        """Copy the sources, without what Pants has put beside them."""
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self.sources.mkdir(parents=True)
        for name in TREE:
            source, target = original / name, self.sources / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.img", "*.efi"))
            else:
                shutil.copy2(source, target)

    @property
    def dist(self) -> Path:
        return self.sources / "dist"

    def package(self, *targets: str, **environment: str) -> str:
        """Package the targets with a store of this clone's own; what Pants said.

        Raises:
            SecondCloneError: Pants failed.
        """
        store = self.folder / "store"
        options = ("--no-pantsd", f"--local-store-dir={store}", f"--named-caches-dir={store}-named")
        command = [*as_other_user(), "./pants", *options, "package", *targets]
        result = subprocess.run(
            command,
            cwd=self.sources,
            env={**self.environment, **environment},
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if result.returncode != 0:
            raise SecondCloneError(f"{command} exited with {result.returncode}:\n{result.stdout}")
        return result.stdout


def as_other_user() -> tuple[str, ...]:
    """The command prefix that makes us another user, in a user namespace.

    Raises:
        SecondCloneError: the kernel gives us none, so that being another user would not be tested.
    """
    prefix = ("unshare", "--user", f"--map-user={OTHER_ID}", f"--map-group={OTHER_ID}")
    result = subprocess.run([*prefix, "id", "-u"], capture_output=True, text=True)
    if result.stdout.strip() != str(OTHER_ID):
        raise SecondCloneError(
            f"{prefix} should make us user {OTHER_ID}, and gave: {result.stdout}{result.stderr}"
            "(are user namespaces switched off? see sysctl kernel.unprivileged_userns_clone)"
        )
    return prefix
