"""A channel, its keys, small bundles, and what attackers do to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.release.bundle import manifest as manifests
from tools.release.bundle import names, sums
from tools.release.bundle.manifest import File, Manifest
from tools.release.bundle.measure import measured
from tools.release.channel.client import Fetched, fetch
from tools.release.channel.publish import init, publish
from tools.release.channel.roles import ROLES, Roles
from tools.release.keys.file_key import FileKey

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=400)
"""When everything but root is too old."""


def make_keys(count: int) -> list[FileKey]:
    return [FileKey.of(Ed25519PrivateKey.generate()) for _ in range(count)]


@dataclass
class Keys:
    """Who signs: two of three for root, one for each other role."""

    root: list[FileKey] = field(default_factory=lambda: make_keys(3))
    targets: FileKey = field(default_factory=lambda: make_keys(1)[0])
    snapshot: FileKey = field(default_factory=lambda: make_keys(1)[0])
    timestamp: FileKey = field(default_factory=lambda: make_keys(1)[0])

    @property
    def online(self) -> list[FileKey]:
        return [self.targets, self.snapshot, self.timestamp]

    @property
    def all(self) -> list[FileKey]:
        return [*self.root, *self.online]

    @property
    def roles(self) -> Roles:
        def of(keys: list[FileKey], threshold: int) -> dict[str, object]:
            return {"keys": [key.public_key.to_line() for key in keys], "threshold": threshold}

        return Roles.model_validate(
            {
                "root": {**of(self.root, 2), "expires": NOW + timedelta(days=3000)},
                "targets": of([self.targets], 1),
                "snapshot": of([self.snapshot], 1),
                "timestamp": of([self.timestamp], 1),
            }
        )


def expiries(days: int = 300) -> dict[str, datetime]:
    return {role: NOW + timedelta(days=days) for role in ROLES[1:]}


def make_bundle(folder: Path, version: str, content: bytes = b"an image") -> Path:
    """A small signed bundle, as far as a channel looks at one."""
    bundle = folder / f"bundle-{version}"
    bundle.mkdir()
    files = {"RELEASE_NOTES.md": version.encode(), f"image-{version}.img.xz": content}
    listed = [
        File(name=name, size=len(text), sha256=measured(text).sha256)
        for name, text in sorted(files.items())
    ]
    manifest = Manifest(version=version, minimum_installed="0.1.0", files=tuple(listed), images=())
    files[names.MANIFEST] = manifests.encode(manifest)
    files[names.SUMS] = sums.encode({name: measured(text).sha256 for name, text in files.items()})
    files |= {name: f"signature of {version}".encode() for name in names.SIGNATURES}
    for name, text in files.items():
        (bundle / name).write_bytes(text)
    return bundle


@dataclass(frozen=True)
class World:
    """A channel with one release, and a client that trusts its first root."""

    folder: Path
    keys: Keys

    @classmethod
    def new(cls, folder: Path) -> World:
        world = cls(folder, Keys())
        init(world.channel, world.keys.roles, world.keys.all, expiries())
        shutil.copy(world.channel / "metadata/1.root.json", folder / "root.json")
        world.publish("0.5.0")
        return world

    @property
    def channel(self) -> Path:
        return self.folder / "channel"

    @property
    def client(self) -> Path:
        return self.folder / "client"

    def publish(self, version: str) -> None:
        publish(self.channel, make_bundle(self.folder, version), self.keys.online, expiries())

    def fetch(self, now: datetime = NOW, place: str | None = None) -> Fetched:
        return fetch(place or str(self.channel), self.client, now, root=self.folder / "root.json")

    def keep(self) -> Path:
        """What the server had at this moment."""
        return Path(shutil.copytree(self.channel, self.folder / "kept", dirs_exist_ok=True))

    def metadata(self, name: str) -> Path:
        return self.channel / "metadata" / name

    def newest(self, role: str) -> Path:
        """The numbered metadata of a role with the highest number."""
        return max(
            (self.channel / "metadata").glob(f"*.{role}.json"),
            key=lambda path: int(path.name.split(".")[0]),
        )


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what is signed, and leave the signatures as they were."""
    document = json.loads(path.read_bytes())
    change(document["signed"])
    path.write_text(json.dumps(document))


def files_of(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
