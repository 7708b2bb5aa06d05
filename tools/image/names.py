"""FAT file names: what is legal, what is the same name, and the 8.3 alias of a long one.

Aliases use ASCII only. The specification would allow the OEM code page, but which page that is
differs from machine to machine, and the alias has to be the same bytes everywhere.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import chain, count

from tools.image.errors import IllegalName

MAX_UNITS = 255  # UTF-16 units of a long name
_ILLEGAL = frozenset('"*/:<>?\\|')
_SHORT_EXTRA = frozenset("$%'-_@~`!(){}^#&")


def split_path(path: str) -> tuple[str, ...]:
    """The names of a path such as `EFI/BOOT/BOOTX64.EFI`. Raises IllegalName."""
    names = tuple(path.split("/"))
    for name in names:
        fault = _fault(name)
        if fault:
            raise IllegalName(f"{path!r}: the name {name!r} {fault}")
    return names


def fold(name: str) -> str:
    """The form in which two names of a folder must differ: each character in upper case."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in name)


def is_short(name: str) -> bool:
    """Whether the name can be stored as it is in a directory entry, without a long name."""
    base, dot, extension = name.partition(".")
    return (
        1 <= len(base) <= 8
        and len(extension) <= 3
        and bool(dot) == bool(extension)
        and all(_is_short_character(c) for c in base + extension)
    )


def is_label(text: str) -> bool:
    """Whether the text can name a volume."""
    return 1 <= len(text.strip(" ")) == len(text) <= 11 and all(
        c == " " or _is_short_character(c) for c in text
    )


def assign_aliases(names: Collection[str], taken: Collection[bytes]) -> dict[str, bytes]:
    """An 8.3 name (11 bytes, padded) for each name of one folder, all different.

    Names that need no number come first, so that a literal `LONGFI~1.TXT` keeps its own name
    whatever the order. `taken` are the aliases already in the folder.
    """
    used = set(taken)
    numbers: dict[tuple[str, str], Iterator[int]] = defaultdict(lambda: count(1))
    aliases: dict[str, bytes] = {}
    for name in sorted(names, key=lambda name: (not is_short(fold(name)), fold(name), name)):
        base, extension = _alias_parts(name)
        plain = [_pad(base, extension)] if is_short(fold(name)) else []
        numbered = (_numbered(base, extension, n) for n in numbers[base, extension])
        candidates = chain(plain, numbered)
        aliases[name] = next(alias for alias in candidates if alias not in used)
        used.add(aliases[name])
    return aliases


def _fault(name: str) -> str | None:
    """Why FAT32 cannot hold this name, or None."""
    bad = next((c for c in name if c in _ILLEGAL or _is_unusable(c)), None)
    if name in ("", ".", ".."):
        return "is empty or stands for a folder; give plain names separated by single '/'"
    if bad is not None:
        return f"contains {bad!r}, which FAT does not allow"
    if name[-1] in ". ":
        return "ends in a dot or a space, which FAT readers drop"
    if len(name.encode("utf-16-le")) // 2 > MAX_UNITS:
        return f"is longer than {MAX_UNITS} UTF-16 units"
    return None


def _is_unusable(c: str) -> bool:
    """Control characters, lone surrogates, and the two code points FAT uses as padding."""
    return c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" or c in "\ufffe\uffff"


def _is_short_character(c: str) -> bool:
    return "A" <= c <= "Z" or "0" <= c <= "9" or c in _SHORT_EXTRA


def _alias_parts(name: str) -> tuple[str, str]:
    """The name in upper case, reduced to the characters an 8.3 name may have."""
    base, dot, extension = fold(name).lstrip(". ").rpartition(".")
    if not dot:
        base, extension = extension, ""
    return _shorten(base, 8) or "_", _shorten(extension, 3)


def _shorten(text: str, length: int) -> str:
    kept = (c for c in text if c not in ". ")
    return "".join(c if _is_short_character(c) else "_" for c in kept)[:length]


def _numbered(base: str, extension: str, number: int) -> bytes:
    return _pad(f"{base[: 7 - len(str(number))]}~{number}", extension)


def _pad(base: str, extension: str) -> bytes:
    return base.ljust(8).encode("ascii") + extension.ljust(3).encode("ascii")
