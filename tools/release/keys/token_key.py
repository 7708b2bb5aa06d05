"""A release key on a PKCS#11 token, which it never leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.types import SignMixin

from tools.release.keys import passphrase
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.public_key import POINT_SIZE, PublicKey

SCHEME = "pkcs11:"
_ED25519 = bytes.fromhex("06032b6570")  # CKA_EC_PARAMS: the object identifier of RFC 8410, in DER


@dataclass(frozen=True)
class TokenPlace:
    """Where a key is: the PKCS#11 module (a shared library), the token's label and the key's."""

    module: Path
    token: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> TokenPlace:
        """From a PKCS#11 URI (RFC 7512) that names just these. Raises KeyUnusable."""
        path, _, query = uri.removeprefix(SCHEME).partition("?")
        parts = [part.partition("=") for part in (*path.split(";"), *query.split("&")) if part]
        names = {name: unquote(value) for name, _, value in parts}
        if "pin-value" in names or "pin-source" in names:
            raise KeyUnusable("a PIN does not belong in a key's URI: use --secret-fd, or be asked")
        if len(parts) != len(names) or set(names) != {"token", "object", "module-path"}:
            raise KeyUnusable(
                f"expected {SCHEME}token=TOKEN;object=KEY?module-path=LIBRARY, found {uri!r}"
            )
        return cls(Path(names["module-path"]), names["token"], names["object"])


@dataclass(frozen=True)
class TokenKey:
    """A key on a token, while its session is open; a Signer."""

    public_key: PublicKey
    _key: SignMixin = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """See Signer. A signature that the public half does not verify is not handed out."""
        try:
            signature = bytes(self._key.sign(message, mechanism=Mechanism.EDDSA))
        except pkcs11.PKCS11Error as error:
            raise KeyUnusable(f"the token did not sign: {_named(error)}") from None
        if not self.public_key.verifies(signature, message):
            raise KeyUnusable(
                f"the token's signature is not one of its key {self.public_key.name}: "
                "are private and public key of its label one pair?"
            )
        return signature


@contextmanager
def open_token_key(place: TokenPlace, descriptor: int | None = None) -> Iterator[TokenKey]:
    """A key on a token, for as long as the block lasts. The PIN is asked for, or read from a descriptor.

    Raises KeyUnusable.
    """
    with _session(place, descriptor, rw=False) as session:
        private = _find(session, place, ObjectClass.PRIVATE_KEY)
        public = _find(session, place, ObjectClass.PUBLIC_KEY)
        if not isinstance(private, SignMixin):
            raise KeyUnusable(f"the token {place.token!r} does not let {place.key!r} sign")
        yield TokenKey(_public_key(public), private)


def make(place: TokenPlace, descriptor: int | None = None) -> PublicKey:
    """Makes a key on a token, where there is none of that label yet. Raises KeyUnusable."""
    with _session(place, descriptor, rw=True) as session:
        try:
            if any(True for _ in session.get_objects({Attribute.LABEL: place.key})):
                raise KeyUnusable(f"the token {place.token!r} has a {place.key!r} already")
            curve = session.create_domain_parameters(
                KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519}, local=True
            )
            public, _ = curve.generate_keypair(
                mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=place.key
            )
        except pkcs11.PKCS11Error as error:
            raise KeyUnusable(
                f"the token {place.token!r} made no Ed25519 key: {_named(error)}"
            ) from None
        return _public_key(public)


@contextmanager
def _session(place: TokenPlace, descriptor: int | None, *, rw: bool) -> Iterator[pkcs11.Session]:
    try:
        token = pkcs11.lib(str(place.module)).get_token(token_label=place.token)
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise KeyUnusable(
            f"no token {place.token!r} in {place.module}: {_named(error)}; is it plugged in, its driver installed?"
        ) from None
    pin = passphrase.read(f"PIN of the token {place.token}: ", descriptor)
    try:
        session = token.open(user_pin=pin.decode(), rw=rw)
    except (pkcs11.PKCS11Error, UnicodeDecodeError) as error:
        reason = "wrong PIN" if isinstance(error, pkcs11.PinIncorrect) else _named(error)
        raise KeyUnusable(f"cannot open the token {place.token!r}: {reason}") from None
    with session:
        yield session


def _find(session: pkcs11.Session, place: TokenPlace, kind: ObjectClass) -> pkcs11.Object:
    try:
        return session.get_key(object_class=kind, key_type=KeyType.EC_EDWARDS, label=place.key)
    except pkcs11.PKCS11Error as error:
        what = kind.name.lower().replace("_", " ")
        raise KeyUnusable(
            f"the token {place.token!r} gives no Ed25519 {what} {place.key!r}: {type(error).__name__}"
        ) from None


def _public_key(key: pkcs11.Object) -> PublicKey:
    """CKA_EC_POINT is an OCTET STRING of the point; some tokens give the point itself."""
    try:
        point, curve = bytes(key[Attribute.EC_POINT]), bytes(key[Attribute.EC_PARAMS])
    except pkcs11.PKCS11Error as error:
        raise KeyUnusable(f"the token does not show the public key: {_named(error)}") from None
    if curve != _ED25519 or len(point) not in (POINT_SIZE, POINT_SIZE + 2):
        raise KeyUnusable("expected an Ed25519 key, found one of another Edwards curve")
    return PublicKey.of(point[-POINT_SIZE:])


def _named(error: Exception) -> str:
    """What went wrong, of exceptions that often have nothing but their name."""
    return str(error) or type(error).__name__
