from __future__ import annotations

import pytest

from baremetal.cc.depfile import UndeclaredInputError, audit_depfile, parse_depfile

DEPFILE = "a/x.o: a/x.c \\\n  __clang/include/stdint.h a/my\\ file.h \\\n  b/y.h\n"


def test_continuations_and_escaped_spaces_are_understood() -> None:
    assert parse_depfile(DEPFILE) == ("a/x.c", "__clang/include/stdint.h", "a/my file.h", "b/y.h")


def test_declared_files_and_the_toolchain_may_be_read() -> None:
    audit_depfile(
        "a/x.c",
        DEPFILE,
        declared=frozenset({"a/x.c", "a/my file.h", "b/y.h"}),
        toolchain_prefixes=("__clang/",),
    )


@pytest.mark.parametrize("path", ["/usr/include/stdio.h", "../outside.h", "__clangs/stdint.h"])
def test_anything_else_is_named_with_its_reader(path: str) -> None:
    with pytest.raises(UndeclaredInputError) as raised:
        audit_depfile(
            "a/x.c",
            f"a/x.o: a/x.c {path}\n",
            declared=frozenset({"a/x.c"}),
            toolchain_prefixes=("__clang/",),
        )
    message = str(raised.value)
    assert message.startswith("a/x.c: ")
    assert path in message
