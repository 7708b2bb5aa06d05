"""Statements about a release: in-toto Statement v1 (https://in-toto.io/Statement/v1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.release.errors import Refused

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""What an envelope of a statement says that it holds."""

Digests = Annotated[Mapping[str, str], Field(min_length=1)]
JsonObject = dict[str, object]


class Resource(BaseModel):
    """A ResourceDescriptor: something by name and digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    digest: Digests
    uri: str | None = None
    annotations: Mapping[str, str] | None = None

    def as_json(self) -> JsonObject:
        return self.model_dump(exclude_none=True)


class Statement(BaseModel):
    """A predicate about subjects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default=STATEMENT, alias="_type")
    subject: tuple[Resource, ...] = Field(min_length=1)
    predicate_type: str = Field(alias="predicateType")
    predicate: JsonObject

    @property
    def subjects(self) -> Mapping[str, str]:
        """The sha256 of each subject by name; "" for one that has none."""
        return {subject.name: subject.digest.get("sha256", "") for subject in self.subject}


def encode(statement: Statement) -> bytes:
    """The one form of a statement."""
    return encode_json(statement.model_dump(by_alias=True, exclude_none=True))


def encode_json(value: JsonObject) -> bytes:
    """JSON for people and digests: keys sorted, two spaces."""
    return json.dumps(value, indent=2, sort_keys=True).encode("ascii") + b"\n"


def decode(content: bytes, predicate_type: str) -> Statement:
    """Raises Refused when this is no statement of that type, or not in its one form."""
    try:
        statement = Statement.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise Refused(f"{place}: {fault['msg']}") from None
    if statement.predicate_type != predicate_type:
        raise Refused(
            f"expected the predicate {predicate_type}, found {statement.predicate_type!r}"
        )
    if len(statement.subjects) != len(statement.subject):
        raise Refused("a subject is named twice")
    if encode(statement) != content:
        raise Refused("the text is not in the form in which statements are written")
    return statement
