"""A channel that everybody keeps to: publishing, following, other keys, interruptions."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from tools.release.bundle import names
from tools.release.bundle.version import Version
from tools.release.channel.client import fetch
from tools.release.channel.publish import init, publish, refresh, rotate
from tools.release.channel.roles import read_roles
from tools.release.channel.testing import (
    LATER,
    NOW,
    Keys,
    World,
    expiries,
    files_of,
    make_bundle,
    make_keys,
)
from tools.release.errors import Refused, ReleaseError
from tools.release.keys.public_key import PublicKey


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.new(tmp_path)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def served(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The channel's address on a server that knows nothing of it."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    handler = functools.partial(_Handler, directory=str(world.channel))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_what_is_fetched_is_what_was_published(world: World, served: str) -> None:
    fetched = world.fetch(place=served)
    assert (fetched.version, fetched.is_new) == (Version(0, 5, 0), True)
    assert files_of(fetched.path) == files_of(world.folder / "bundle-0.5.0")
    assert fetched.path.name == names.Names(fetched.version).bundle


def test_a_server_that_lacks_a_file_is_told_apart_from_one_that_lies(
    world: World, served: str
) -> None:
    shutil.rmtree(world.channel / "targets")
    with pytest.raises(ReleaseError, match="cannot fetch.*404") as error:
        world.fetch(place=served)
    assert not isinstance(error.value, Refused)


def test_nobody_at_the_address(world: World) -> None:
    with pytest.raises(ReleaseError, match="cannot fetch"):
        world.fetch(place="http://127.0.0.1:1/")


def test_fetching_again_changes_nothing_and_a_new_release_is_added(world: World) -> None:
    first = world.fetch()
    assert world.fetch() == replace(first, is_new=False)
    world.publish("0.10.0")
    assert world.fetch().version == Version(0, 10, 0)
    assert first.path.is_dir()


def test_a_version_can_be_asked_for(world: World) -> None:
    world.publish("0.6.0")
    root = world.folder / "root.json"
    older = fetch(str(world.channel), world.client, NOW, root=root, version=Version(0, 5, 0))
    assert older.path.name == names.Names(Version(0, 5, 0)).bundle
    with pytest.raises(ReleaseError, match="no version 7.0.0; there are 0.5.0, 0.6.0"):
        fetch(str(world.channel), world.client, NOW, version=Version(7, 0, 0))


def test_the_root_is_needed_once(world: World) -> None:
    world.fetch()
    assert not fetch(str(world.channel), world.client, NOW).is_new


def test_publishing_again_changes_nothing(world: World) -> None:
    before = files_of(world.channel)
    bundle = world.folder / "bundle-0.5.0"
    assert publish(world.channel, bundle, world.keys.online, expiries()) is None
    assert files_of(world.channel) == before


def test_another_bundle_of_a_published_version_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_bundle(tmp_path / "other", "0.5.0", b"another image")
    before = files_of(world.channel)
    with pytest.raises(Refused, match="another bundle of version 0.5.0"):
        publish(world.channel, other, world.keys.online, expiries())
    assert files_of(world.channel) == before


def test_an_older_version_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="after 0.5.0, found 0.4.0"):
        publish(world.channel, make_bundle(tmp_path, "0.4.0"), world.keys.online, expiries())


@pytest.mark.parametrize(
    ("name", "how"),
    [
        (names.SIGNATURE, "missing"),  # that it is a good one, release verify says, with the key
        *product((names.SUMS, names.MANIFEST, "RELEASE_NOTES.md"), ("missing", "altered")),
    ],
)
def test_a_bundle_that_is_not_whole_is_not_published(
    world: World, tmp_path: Path, name: str, how: str
) -> None:
    bundle = make_bundle(tmp_path, "0.6.0")
    if how == "missing":
        (bundle / name).unlink()
    else:
        (bundle / name).write_bytes(b"0" * 20)
    before = files_of(world.channel)
    with pytest.raises(ReleaseError):
        publish(world.channel, bundle, world.keys.online, expiries())
    assert files_of(world.channel) == before


@pytest.mark.parametrize("lacking", ["targets", "snapshot", "timestamp"])
def test_a_missing_key_or_expiry_is_named_and_nothing_changes(
    world: World, tmp_path: Path, lacking: str
) -> None:
    bundle, before = make_bundle(tmp_path, "0.6.0"), files_of(world.channel)
    some = [key for key in world.keys.online if key is not getattr(world.keys, lacking)]
    with pytest.raises(ReleaseError, match=f"{lacking} must be signed by 1 of the keys"):
        publish(world.channel, bundle, some, expiries())
    dates = {role: date for role, date in expiries().items() if role != lacking}
    with pytest.raises(ReleaseError, match=f"give --{lacking}-expires"):
        publish(world.channel, bundle, world.keys.online, dates)
    assert files_of(world.channel) == before


def test_only_the_timestamp_needs_to_be_renewed_often(world: World) -> None:
    date = {"timestamp": LATER}
    refresh(world.channel, [world.keys.timestamp], date)
    assert {path.name for path in (world.channel / "metadata").iterdir()} == {
        *("1.root.json", "1.targets.json", "2.targets.json"),
        *("1.snapshot.json", "2.snapshot.json", "timestamp.json"),
    }
    world.fetch()


def test_clients_follow_other_root_keys_step_by_step(world: World) -> None:
    world.fetch()
    keys = world.keys
    for version in (2, 3):
        old, new = keys.root, make_keys(3)
        changed = Keys(new, keys.targets, keys.snapshot, keys.timestamp)
        signers = [*old[:2], *new[:2], keys.timestamp]
        assert rotate(
            world.channel, changed.roles, signers, {"timestamp": NOW + (LATER - NOW)}
        ) == (version)
        keys = changed
    publish(world.channel, make_bundle(world.folder, "0.6.0"), keys.online, expiries())
    assert world.fetch().version == Version(0, 6, 0)
    shutil.rmtree(world.client)
    assert world.fetch().version == Version(0, 6, 0)


def test_a_root_that_the_old_keys_do_not_sign_is_not_made(world: World) -> None:
    new = Keys()
    before = files_of(world.channel)
    with pytest.raises(ReleaseError, match="root must be signed by 2 of the keys .* version 1"):
        rotate(world.channel, new.roles, [world.keys.root[0], *new.all], expiries())
    assert files_of(world.channel) == before


def test_a_rotation_that_was_interrupted_is_finished_by_the_same_command(world: World) -> None:
    new = Keys(world.keys.root, *make_keys(3))
    timestamp = world.metadata("timestamp.json").read_bytes()
    rotate(world.channel, new.roles, new.all, expiries())
    world.metadata("timestamp.json").write_bytes(timestamp)
    with pytest.raises(Refused, match="run channel rotate"):
        refresh(world.channel, new.online, expiries())
    assert rotate(world.channel, new.roles, new.all, expiries()) == 2
    assert world.fetch().version == Version(0, 5, 0)


def test_a_publication_that_was_interrupted_is_invisible_and_can_be_repeated(
    world: World, tmp_path: Path
) -> None:
    timestamp = world.metadata("timestamp.json").read_bytes()
    world.publish("0.6.0")
    world.metadata("timestamp.json").write_bytes(timestamp)
    assert world.fetch().version == Version(0, 5, 0)
    bundle = world.folder / "bundle-0.6.0"
    assert publish(world.channel, bundle, world.keys.online, expiries()) == Version(0, 6, 0)
    assert world.fetch().version == Version(0, 6, 0)


def test_an_empty_channel_says_so(tmp_path: Path) -> None:
    keys = Keys()
    init(tmp_path / "channel", keys.roles, keys.all, expiries())
    root = tmp_path / "channel/metadata/1.root.json"
    with pytest.raises(ReleaseError, match="no release yet"):
        fetch(str(tmp_path / "channel"), tmp_path / "client", NOW, root=root)


def test_a_channel_is_not_made_over_another(world: World) -> None:
    before = files_of(world.channel)
    with pytest.raises(ReleaseError, match="is there already"):
        init(world.channel, world.keys.roles, world.keys.all, expiries())
    assert files_of(world.channel) == before


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "root"),
        ("[root", "cannot read"),
        (
            'root.keys = ["a"]\nroot.threshold = 2\nroot.expires = 2028-01-01T00:00:00Z',
            "2 of 1 keys",
        ),
        (
            'root.keys = ["a", "a"]\nroot.threshold = 1\nroot.expires = 2028-01-01T00:00:00Z',
            "twice",
        ),
        ('root.keys = ["a"]\nroot.threshold = 1\nroot.expires = 2028-01-01T00:00:00', "timezone"),
    ],
)
def test_roles_that_make_no_sense_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "roles.toml"
    path.write_text(text)
    with pytest.raises(ReleaseError, match=fault):
        read_roles(path)


def test_one_key_under_two_ids_is_not_two_keys(world: World) -> None:
    point = world.keys.root[0].public_key.point
    line = PublicKey(b"otherkey", point).to_line()
    role = world.keys.roles.root.model_copy(update={"keys": (line,), "threshold": 1})
    roles = world.keys.roles.model_copy(update={"root": role})
    with pytest.raises(ReleaseError, match="whose id is not of its point"):
        rotate(world.channel, roles, world.keys.all, expiries())
