"""Mutants of a module: each has one comparison turned into another one.

A comparison becomes its negation, and one that orders (`<`) also its neighbour (`<=`): a test of a threshold has to
tell apart the value before it, the value itself, and which side is which.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

_MUTATIONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Place:
    """Where a comparison stands."""

    path: str
    """Of the module, from the root of the repository."""
    function: str
    """As Python names it: `Row.problem_with`."""
    first_line: int
    """Of the function, its decorators included; 0 outside of all."""
    line: int


@dataclass(frozen=True)
class Mutant:
    """A module with one operator of one comparison replaced."""

    place: Place
    before: str
    """The comparison as it is, in one line."""
    after: str
    """The comparison as it is in the mutant."""
    node: int
    """Of the module's comparisons, in the order of `ast.walk`."""
    operator: int
    """Of the comparison's operators, from 0."""
    becomes: type[ast.cmpop]

    @property
    def name(self) -> str:
        place = self.place
        return f"{place.path}:{place.line} {place.function}: {self.before} becomes {self.after}"


class UnreachableError(Exception):
    """A comparison outside of every function: it has run before a mutant of it could."""


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def mutants(path: Path) -> tuple[Mutant, ...]:
    """Every mutant of a module, in the order of its lines. Raises UnreachableError."""
    tree = parse(path)
    places = dict(_places(tree, Place(path.as_posix(), "", 0, 0)))
    found = (
        mutant
        for number, node in enumerate(_comparisons(tree))
        for mutant in _of(node, number, places[node])
    )
    return tuple(sorted(found, key=lambda each: (each.place.line, each.node, each.operator)))


def mutated(tree: ast.Module, mutant: Mutant) -> ast.Module:
    """The module's tree, changed in place."""
    node = _comparisons(tree)[mutant.node]
    node.ops[mutant.operator] = mutant.becomes()
    return tree


def _comparisons(tree: ast.Module) -> list[ast.Compare]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]


def _of(node: ast.Compare, number: int, place: Place) -> Iterator[Mutant]:
    if not place.first_line:
        raise UnreachableError(
            f"{place.path}:{node.lineno}: expected comparisons in functions only, found one that runs when the module "
            "is imported: put it into a function"
        )
    before = ast.unparse(node)
    for at, operator in enumerate(node.ops):
        for becomes in _MUTATIONS[type(operator)]:
            operators = [*node.ops[:at], becomes(), *node.ops[at + 1 :]]
            after = ast.unparse(ast.Compare(node.left, operators, node.comparators))
            at_line = replace(place, line=node.lineno)
            yield Mutant(at_line, before, after, number, at, becomes)


def _places(node: ast.AST, place: Place) -> Iterator[tuple[ast.Compare, Place]]:
    """Each comparison below a node, with the function around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Compare):
            yield child, place
        yield from _places(child, _within(child, place))


def _within(node: ast.AST, place: Place) -> Place:
    if isinstance(node, _Function):
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        return replace(place, function=_joined(place.function, node), first_line=first)
    if isinstance(node, ast.ClassDef):
        return replace(place, function=_joined(place.function, node))
    return place


def _joined(outer: str, node: _Function | ast.ClassDef) -> str:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return f"{outer}.{name}" if outer else name
