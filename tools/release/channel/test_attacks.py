"""What a server, or who has some of the keys, may try, and what the client says to it.

After each refusal the client has what it had, and follows the channel again once that is as it should be.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata, TargetFile, Targets

from tools.release.channel import metadata
from tools.release.channel.client import RELEASES, fetch
from tools.release.channel.errors import ChannelRefused, Reason
from tools.release.channel.metadata import ReleaseSigner, State
from tools.release.channel.publish import publish, rotate
from tools.release.channel.testing import (
    LATER,
    NOW,
    Keys,
    World,
    edit,
    expiries,
    files_of,
    make_bundle,
    make_keys,
)
from tools.release.errors import Refused, ReleaseError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.new(tmp_path)


@contextmanager
def refused(world: World, reason: Reason) -> Iterator[None]:
    """What is in the block is refused for that reason, and the client's releases stay what they are."""
    before = files_of(world.client / RELEASES)
    with pytest.raises(ChannelRefused) as error:
        yield
    assert error.value.reason == reason, error.value
    assert files_of(world.client / RELEASES) == before


def _serve(world: World, kept: Path) -> None:
    shutil.rmtree(world.channel)
    shutil.copytree(kept, world.channel)


def _extend(state: State, keys: Keys, **targets: TargetFile) -> State:
    signers = list(map(ReleaseSigner, keys.all))
    return metadata.extend(state, signers, expiries(), targets)


def test_rollback_to_metadata_that_was_good_once(world: World) -> None:
    old = world.keep()
    world.publish("0.6.0")
    assert str(world.fetch().version) == "0.6.0"
    with refused(world, Reason.ROLLBACK):
        world.fetch(place=str(old))
    assert str(world.fetch().version) == "0.6.0"


@pytest.mark.parametrize("been_there", [False, True])
def test_freeze(world: World, been_there: bool) -> None:
    if been_there:
        world.fetch()
    with refused(world, Reason.EXPIRED):
        world.fetch(LATER)
    metadata.write(world.channel, _extend(metadata.load(world.channel), world.keys))
    world.fetch()


def test_freeze_by_a_root_that_is_over(world: World) -> None:
    with refused(world, Reason.EXPIRED):
        world.fetch(NOW + timedelta(days=3001))


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_mix_and_match(world: World, role: str) -> None:
    world.fetch()
    older = world.newest(role).read_bytes()
    world.publish("0.6.0")
    newest = world.newest(role)
    good = newest.read_bytes()
    newest.write_bytes(older)
    with refused(world, Reason.MISMATCH):
        world.fetch()
    newest.write_bytes(good)
    assert str(world.fetch().version) == "0.6.0"


@pytest.mark.parametrize("name", ["timestamp.json", "2.root.json", "2.snapshot.json"])
def test_endless_metadata(world: World, name: str) -> None:
    world.metadata(name).write_bytes(b" " * 3_000_000)
    with refused(world, Reason.TOO_LONG):
        world.fetch()


def _target(world: World, part: str) -> Path:
    (found,) = (world.channel / "targets").rglob(f"*.{part}*")
    return found


def test_a_file_without_end(world: World) -> None:
    with _target(world, "image").open("ab") as file:
        file.write(b"more")
    with refused(world, Reason.TOO_LONG):
        world.fetch()
    assert list((world.client / RELEASES).iterdir()) == []


@pytest.mark.parametrize("content", [b"an imagE", b"an"], ids=["altered", "cut short"])
def test_a_file_that_is_not_the_one_that_was_signed(world: World, content: bytes) -> None:
    path = _target(world, "image")
    good = path.read_bytes()
    path.write_bytes(content)
    with refused(world, Reason.MISMATCH):
        world.fetch()
    assert list((world.client / RELEASES).iterdir()) == []
    path.write_bytes(good)
    assert world.fetch().is_new


def _later(signed: dict[str, Any]) -> None:
    signed["expires"] = "2099-01-01T00:00:00Z"


def test_metadata_that_was_altered(world: World) -> None:
    edit(world.metadata("timestamp.json"), _later)
    with refused(world, Reason.UNSIGNED):
        world.fetch()


def test_a_first_root_that_was_altered_is_not_trusted(world: World) -> None:
    edit(world.folder / "root.json", _later)
    with refused(world, Reason.UNSIGNED):
        world.fetch()
    assert not (world.client / "trusted-root.json").exists()


def test_a_root_of_strangers_is_not_believed(world: World) -> None:
    world.fetch()
    other = World.new(Path(world.folder / "other").absolute())
    with refused(world, Reason.UNSIGNED):
        world.fetch(place=str(other.channel))


@pytest.mark.parametrize("name", ["timestamp.json", "2.root.json"])
def test_what_is_no_metadata(world: World, name: str) -> None:
    world.metadata(name).write_bytes(b'{"signed": {}, "signatures": []}')
    with refused(world, Reason.MALFORMED):
        world.fetch()


def _forged_root(world: World, signers: int) -> None:
    """The next root, which gives everything to an attacker, signed by some of the present root's keys."""
    mine = Keys()
    root = metadata.load(world.channel).root.signed
    root.version += 1
    for role in ("root", "targets", "snapshot", "timestamp"):
        key = ReleaseSigner(mine.root[0] if role == "root" else mine.targets).public_key
        root.roles[role].keyids = [key.keyid]
        root.roles[role].threshold = 1
        root.keys[key.keyid] = key
    made = Metadata(root)
    for key_of in (*world.keys.root[:signers], mine.root[0]):
        made.sign(ReleaseSigner(key_of), append=True)
    world.metadata("2.root.json").write_bytes(made.to_bytes())


def test_one_lost_root_key_of_three_takes_nothing_over(world: World) -> None:
    world.fetch()
    _forged_root(world, signers=1)
    with refused(world, Reason.UNSIGNED):
        world.fetch()


def test_the_forged_root_would_have_been_believed_with_two(world: World) -> None:
    """So that the test above is about the threshold, and nothing else."""
    world.fetch()
    _forged_root(world, signers=2)
    with refused(world, Reason.UNSIGNED):  # of the timestamp, which the attacker has not signed yet
        world.fetch()
    assert (world.client / "metadata/root_history/2.root.json").exists()


def test_a_root_that_skips_a_version(world: World) -> None:
    world.fetch()
    keys = list(map(ReleaseSigner, world.keys.root))
    root = metadata.load(world.channel).root.signed
    root.version = 3
    world.metadata("2.root.json").write_bytes(metadata.signed_root(root, keys, root).to_bytes())
    with refused(world, Reason.ROLLBACK):
        world.fetch()


def test_lost_keys_of_snapshot_and_timestamp_add_no_file(world: World) -> None:
    world.fetch()
    state = metadata.load(world.channel)
    mine = Keys(snapshot=world.keys.snapshot, timestamp=world.keys.timestamp)
    forged = Metadata(Targets(state.targets.signed.version + 1, expires=LATER))
    file = TargetFile.from_data("0.9.0/evil.img", b"evil", ["sha256"])
    forged.signed.targets = {file.path: file}
    forged.sign(ReleaseSigner(mine.targets))
    after = _extend(State(state.root, forged, state.snapshot, state.timestamp), world.keys)
    # As if the snapshot's and timestamp's keys had signed for the forged targets.
    content = forged.to_bytes()
    after.snapshot.signed.meta["targets.json"] = metadata._described(forged)
    after.snapshot.sign(ReleaseSigner(mine.snapshot))
    after.timestamp.signed.snapshot_meta = metadata._described(after.snapshot)
    after.timestamp.sign(ReleaseSigner(mine.timestamp))
    metadata.write(world.channel, after)
    world.metadata(f"{forged.signed.version}.targets.json").write_bytes(content)
    with refused(world, Reason.UNSIGNED):
        world.fetch()


def _fast_forward(world: World) -> None:
    """Who has the online keys signs versions that no honest publisher ever reaches."""
    state = metadata.load(world.channel)
    state.snapshot.signed.version = state.timestamp.signed.version = 2**31
    state.snapshot.sign(ReleaseSigner(world.keys.snapshot))
    state.timestamp.signed.snapshot_meta = metadata._described(state.snapshot)
    state.timestamp.sign(ReleaseSigner(world.keys.timestamp))
    metadata.write(world.channel, state)


def test_other_keys_recover_a_client_that_was_sent_far_ahead(world: World) -> None:
    kept = world.keep()
    _fast_forward(world)
    world.fetch()
    _serve(world, kept)
    world.publish("0.6.0")
    with refused(world, Reason.ROLLBACK):
        world.fetch()
    snapshot, timestamp = make_keys(2)
    new = Keys(world.keys.root, world.keys.targets, snapshot, timestamp)
    rotate(world.channel, new.roles, new.all, expiries())
    assert str(world.fetch().version) == "0.6.0"


def test_a_release_that_was_changed_on_the_client(world: World) -> None:
    path = world.fetch().path
    (path / "RELEASE_NOTES.md").write_text("other")
    with refused(world, Reason.MISMATCH):
        world.fetch()
    (path / "extra").write_text("more")
    with refused(world, Reason.MISMATCH):
        world.fetch()


@pytest.mark.parametrize(
    "path", ["0.9.0/../../evil", "0.9.0/.hidden", "evil", "../evil", "0.9.0/a/b"]
)
def test_even_signed_names_do_not_leave_the_folder(world: World, path: str) -> None:
    state = metadata.load(world.channel)
    file = TargetFile.from_data(path, b"evil", ["sha256"])
    metadata.write(world.channel, _extend(state, world.keys, **{path: file}))
    with refused(world, Reason.MALFORMED):
        world.fetch()


def test_a_channel_that_was_changed_is_not_extended(world: World, tmp_path: Path) -> None:
    edit(world.newest("targets"), _later)
    bundle = make_bundle(tmp_path, "0.6.0")
    before = files_of(world.channel)
    with pytest.raises(Refused, match="changed by something else"):
        publish(world.channel, bundle, world.keys.online, expiries())
    assert files_of(world.channel) == before


def test_without_a_root_to_trust_nothing_is_fetched(world: World) -> None:
    with pytest.raises(ReleaseError, match="give --root"):
        fetch(str(world.channel), world.client, NOW)


def test_a_second_root_does_not_take_the_place_of_the_first(world: World) -> None:
    world.fetch()
    edit(world.folder / "root.json", _later)
    with pytest.raises(Refused, match="trusts another root"):
        world.fetch()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.new(tmp_path_factory.mktemp("good"))
    world.publish("0.6.0")
    return world


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_gives_anything_else(good: World, data: st.DataObject) -> None:
    paths = sorted(path for path in good.channel.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(paths))
    content = path.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(flipped)
    shutil.rmtree(good.client, ignore_errors=True)
    try:
        fetched = good.fetch().path
    except ReleaseError:
        assert not files_of(good.client / RELEASES)
    else:
        assert files_of(fetched) == files_of(good.folder / "bundle-0.6.0")
    finally:
        path.write_bytes(content)
