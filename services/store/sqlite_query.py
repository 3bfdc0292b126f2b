"""A query of the contract as one SQL statement that reads at most one page."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.store.contract import Direction, Operator, Query, Value
from services.store.encoding import range_of_type, sort_key
from services.store.paths import key_of
from services.store.queries import full_order, last_direction
from services.store.values import plain_value

Condition = tuple[str, Operator, Value]


@dataclass(slots=True)
class Statement:
    """A piece of SQL and its parameters."""

    sql: str = ""
    parameters: list[object] = field(default_factory=list)

    def add(self, sql: str, *parameters: object) -> None:
        self.sql += sql
        self.parameters += parameters


def select(query: Query) -> Statement:
    """SELECT of key, fields and version in the query's order, up to its limit."""
    return _select(query, "key, fields, version", ordered=True)


def select_count(query: Query) -> Statement:
    """SELECT of the number of matching documents, up to the query's limit."""
    inner = _select(query, "key", ordered=query.limit is not None)
    return Statement(f"SELECT count(*) FROM ({inner.sql})", inner.parameters)  # noqa: S608


def _select(query: Query, columns: str, *, ordered: bool) -> Statement:
    """One SELECT for each choice of `in` values: each then walks an index in order."""
    order = full_order(query)
    branches = _branches(query.where)
    if len(branches) == 1:
        return _select_branch(query, columns, branches[0], ordered=ordered)
    keys = "".join(f", {_key(name)} AS order{number}" for number, (name, _) in enumerate(order))
    statement = Statement(f"SELECT {columns} FROM (")  # noqa: S608
    for number, conditions in enumerate(branches):
        branch = _select_branch(query, columns + keys, conditions, ordered=ordered)
        statement.add(" UNION ALL " if number else "")
        statement.add(f"SELECT * FROM ({branch.sql})", *branch.parameters)  # noqa: S608
    statement.add(")")
    if ordered:
        _add_order(statement, query, [f"order{number}" for number in range(len(order))])
    return statement


def _select_branch(
    query: Query, columns: str, conditions: Sequence[Condition], *, ordered: bool
) -> Statement:
    order = full_order(query)
    statement = Statement(f"SELECT {columns} FROM documents WHERE ")  # noqa: S608
    _add_conditions(statement, query, conditions, order)
    if ordered:
        _add_order(statement, query, [_key(name) for name, _ in order])
    return statement


def _branches(where: Sequence[Condition]) -> list[list[Condition]]:
    """The conditions without `in`: one list for each combination of values."""
    choices: list[list[Condition]] = []
    for name, operator, value in where:
        if operator == "in":
            assert isinstance(value, list | tuple)
            distinct = {_bytes(item): item for item in value}
            choices.append([(name, "==", item) for item in distinct.values()])
        else:
            choices.append([(name, operator, value)])
    return [list(branch) for branch in itertools.product(*choices)]


def _add_conditions(
    statement: Statement,
    query: Query,
    conditions: Sequence[Condition],
    order: Sequence[tuple[str, Direction]],
) -> None:
    # A literal, because SQLite takes a partial index only where it can prove its condition.
    statement.add(f"name = {_literal(query.collection.rpartition('/')[2])}")
    if not query.group:
        statement.add(" AND parent = ?", query.collection)
    for name, operator, value in conditions:
        _add_condition(statement, name, operator, _bytes(value))
    for name, _ in order:
        statement.add(f" AND {_key(name)} IS NOT NULL")
    if query.after is not None:
        values = [_bytes(value) for value in query.after.values]
        _add_cursor(statement, query, [*values, key_of(query.after.path)], order)


def _add_condition(statement: Statement, name: str, operator: Operator, value: bytes) -> None:
    if operator == "==":
        statement.add(f" AND {_key(name)} = ?", value)
        return
    statement.add(f" AND {_key(name)} {operator} ?", value)
    lowest, beyond = range_of_type(value)  # a range stays within one type
    if operator in ("<", "<="):
        statement.add(f" AND {_key(name)} >= ?", lowest)
    else:
        statement.add(f" AND {_key(name)} < ?", beyond)


def _add_cursor(
    statement: Statement,
    query: Query,
    values: Sequence[bytes],
    order: Sequence[tuple[str, Direction]],
) -> None:
    columns = [*(_key(name) for name, _ in order), "key"]
    directions = [*(direction for _, direction in order), last_direction(query)]
    # Says no more than the alternatives below, but lets SQLite find the place by an index.
    statement.add(f" AND {columns[0]} {_beyond(directions[0])}= ?", values[0])
    alternatives = []
    for number, (column, direction) in enumerate(zip(columns, directions, strict=True)):
        equal = "".join(f"{earlier} = ? AND " for earlier in columns[:number])
        alternatives.append(f"({equal}{column} {_beyond(direction)} ?)")
        statement.parameters += values[: number + 1]
    statement.add(f" AND ({' OR '.join(alternatives)})")


def _add_order(statement: Statement, query: Query, columns: Sequence[str]) -> None:
    directions = [*(direction for _, direction in full_order(query)), last_direction(query)]
    terms = [
        f"{column} {'ASC' if direction == 'ascending' else 'DESC'}"
        for column, direction in zip([*columns, "key"], directions, strict=True)
    ]
    statement.add(f" ORDER BY {', '.join(terms)}")
    if query.limit is not None:
        statement.add(" LIMIT ?", query.limit)


def _beyond(direction: Direction) -> str:
    return ">" if direction == "ascending" else "<"


def _key(name: str) -> str:
    """The sort key of a field, spelt exactly as in the indexes of the schema."""
    return f"field_key(fields, {_literal(name)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _bytes(value: Value) -> bytes:
    return sort_key(plain_value(value, "An operand"))
