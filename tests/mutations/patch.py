"""A mutant put in place of the module that is loaded: its functions get other code, wherever they are already held."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutations.comparisons import Mutant, mutated, parse


class NothingPatchedError(Exception):
    """No function that is loaded has the code of the mutant's: the module is another one, or the function is gone."""


def loaded(paths: Collection[str]) -> Mapping[str, tuple[FunctionType, ...]]:
    """The functions there are, by the file they are from."""
    files = {_file(path): path for path in paths}
    found: dict[str, list[FunctionType]] = {path: [] for path in paths}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in files:
            found[files[each.__code__.co_filename]].append(each)
    return {path: tuple(functions) for path, functions in found.items()}


def put_in_place(mutant: Mutant, functions: Collection[FunctionType]) -> None:
    """Make the functions those of the mutant. Raises NothingPatchedError."""
    path = Path(mutant.place.path)
    before = _compiled(parse(path))
    codes = dict(_differing(before, _compiled(mutated(parse(path), mutant))))
    patched = [each for each in functions if each.__code__ in codes]
    if not patched:
        raise NothingPatchedError(mutant.name)
    for function in patched:
        function.__code__ = codes[function.__code__]


def _file(path: str) -> str:
    """Of the module as it is loaded: tests may have it from another folder than this one."""
    module = sys.modules[path.removesuffix(".py").replace("/", ".")]
    assert module.__file__ is not None, path
    return module.__file__


def _compiled(tree: ast.Module) -> CodeType:
    return compile(tree, "", "exec", dont_inherit=True)


def _differing(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Code that differs, with that of the mutant. Two pieces of code are equal whatever file they are from."""
    if before == after:
        return
    yield before, after
    for one, other in zip(before.co_consts, after.co_consts, strict=True):
        if isinstance(one, CodeType):
            yield from _differing(one, other)
