"""Reader of JSON packs, `{"scenarios": [...]}` or a bare list, one row at a time."""

from collections.abc import Iterator

from scenarios.packs.columns import (
    COLUMNS,
    ColumnType,
    TooManyUnknownColumnsError,
    UnknownColumns,
    canonical_column,
    describe_unstorable_text,
    misspelling_message,
    normalize_value,
)
from scenarios.packs.file_positions import FilePosition
from scenarios.packs.json_cursor import JSONCursor, JSONObject, JSONValue, UnreadableNumber
from scenarios.packs.rows import MAX_PROBLEMS, PackRow, PackValue, RowProblem, printable_excerpt

LIST_KEY = "scenarios"
_WANTED = f'A pack is a JSON object with a list named "{LIST_KEY}", or that list alone.'


def read_json_rows(data: bytes, start: int, notes: UnknownColumns) -> Iterator[PackRow]:
    """Yield the rows of a document that begins at `start`. Raise UnreadablePackError."""
    cursor = JSONCursor(FilePosition(data, start))
    if cursor.take(b"["):
        yield from _list_rows(cursor, 1, notes)
    elif cursor.take(b"{"):
        yield from _object_rows(cursor, notes)
    else:
        raise cursor.error_at(cursor.position, _WANTED)
    if cursor.peek():
        raise cursor.error_at(cursor.position, "The document is closed, but more text follows. Remove it.")


def _object_rows(cursor: JSONCursor, notes: UnknownColumns) -> Iterator[PackRow]:
    names: list[str] = []
    more = cursor.peek() != b"}"
    while more:
        cursor.peek()
        place, name = cursor.position, cursor.name()
        if name in names:
            raise cursor.error_at(place, f"“{printable_excerpt(name)}” stands here a second time. Keep one.")
        names.append(name)
        if name != LIST_KEY:
            _skip_member(cursor, place, name, notes)
        else:
            cursor.expect(b"[", f"“{LIST_KEY}” is not a list. {_WANTED}")
            yield from _list_rows(cursor, 2, notes)
        more = cursor.take(b",")
    cursor.expect(b"}", "A comma or the closing } is missing before this.")
    if LIST_KEY not in names:
        found = ", ".join(f"“{printable_excerpt(name)}”" for name in names) or "nothing"
        raise cursor.error_at(cursor.position - 1, f"{_WANTED} This object holds {found}.")


def _skip_member(cursor: JSONCursor, place: int, name: str, notes: UnknownColumns) -> None:
    why = describe_unstorable_text(name) or _unstorable(cursor.parsed(cursor.value(1)))
    if why:
        raise cursor.error_at(place, f"“{printable_excerpt(name)}”: {why}")
    try:
        notes.ignore(name)
    except TooManyUnknownColumnsError as error:
        raise cursor.error_at(place, str(error)) from None


def _list_rows(cursor: JSONCursor, depth: int, notes: UnknownColumns) -> Iterator[PackRow]:
    more = cursor.peek() != b"]"
    while more:
        cursor.row += 1
        start = cursor.value(depth)
        cursor.mark = cursor.mark.moved_to(start)
        yield _row(cursor, start, notes)
        more = cursor.take(b",")
    cursor.expect(b"]", "After this row a comma or the closing ] is missing.")
    cursor.row = 0


def _row(cursor: JSONCursor, start: int, notes: UnknownColumns) -> PackRow:
    members = cursor.parsed(start)
    mark = cursor.mark
    if not isinstance(members, JSONObject):
        problem = RowProblem("This row is not an object in { }.", "", mark.line, mark.column)
        return PackRow(cursor.row, mark.line, {}, [problem])
    try:
        values, found = _convert_members(members, notes)
    except TooManyUnknownColumnsError as error:
        raise cursor.error_at(start, str(error)) from None
    return PackRow(cursor.row, mark.line, values, _locate_problems(found, mark) if found else [])


def _convert_members(members: JSONObject, notes: UnknownColumns) -> tuple[dict[str, PackValue], dict[int, RowProblem]]:
    """Return a row's values, and its problems by member index."""
    values: dict[str, PackValue] = {}
    problems: dict[int, RowProblem] = {}
    times: dict[str, int] = {}
    for number, (written, value) in enumerate(members.pairs):
        if len(problems) == MAX_PROBLEMS:
            break
        name = canonical_column(written)
        key = name or written
        times[key] = times.get(key, 0) + 1
        # A third occurrence adds nothing to the error about the second.
        if times[key] > 2:
            continue
        if why := _duplicate_problem(written, name, times[key]) or _member_problem(written, name, value, notes):
            problems[number] = RowProblem(why, name or printable_excerpt(written))
        elif name and value is not None:
            values[name] = normalize_value(name, _as_pack_value(value))
    return values, problems


def _duplicate_problem(written: str, name: str, times: int) -> str:
    return (
        f"“{printable_excerpt(written)}” names {name or 'the same'} a second time in this row. Keep one."
        if times == 2
        else ""
    )


def _member_problem(written: str, name: str, value: JSONValue, notes: UnknownColumns) -> str:
    """Return the reason that a row may not contain this member, or "" if it may."""
    if why := describe_unstorable_text(written) or _unstorable(value):
        return why
    if not name:
        meant = notes.closest_column(written)
        return misspelling_message(written, meant) if meant else ""
    if value is None or _has_type(COLUMNS[name], value):
        return ""
    hint = " Write it in quotes." if COLUMNS[name] is ColumnType.TEXT and isinstance(value, int | float) else ""
    return f"This must be {COLUMNS[name].value}, not {_described(value)}.{hint}"


def _unstorable(value: JSONValue) -> str:
    """Return the reason that the value cannot be stored, at any depth, or "" if it can."""
    if isinstance(value, UnreadableNumber):
        return value.why
    if isinstance(value, str):
        return describe_unstorable_text(value)
    if isinstance(value, JSONObject):
        names = [name for name, _ in value.pairs]
        if len(set(names)) < len(names):
            return "An object in here names something twice. Keep one."
        return next(filter(None, map(describe_unstorable_text, names)), "") or _unstorable(
            [one for _, one in value.pairs]
        )
    if isinstance(value, list):
        return next(filter(None, map(_unstorable, value)), "")
    return ""


def _has_type(kind: ColumnType, value: JSONValue) -> bool:
    if kind is ColumnType.NAMES:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind is ColumnType.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if kind is ColumnType.BOOLEAN else str)


def _as_pack_value(value: JSONValue) -> PackValue:
    if isinstance(value, list):
        return [str(one) for one in value]
    assert isinstance(value, str | int)
    return value


def _described(value: JSONValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text “{printable_excerpt(value)}”"
    if isinstance(value, JSONObject):
        return "an object"
    if isinstance(value, list):
        return "a list that holds something else" if any(not isinstance(one, str) for one in value) else "a list"
    return f"the number {value}"


def _locate_problems(problems: dict[int, RowProblem], mark: FilePosition) -> list[RowProblem]:
    """Return the problems with the positions of their members. The row has been parsed, so stepping cannot fail."""
    cursor = JSONCursor(mark)
    cursor.take(b"{")
    placed = []
    for number in range(max(problems) + 1):
        cursor.peek()
        mark = mark.moved_to(cursor.position)
        cursor.name()
        cursor.value(0)
        cursor.take(b",")
        if problem := problems.get(number):
            placed.append(RowProblem(problem.message, problem.field, mark.line, mark.column))
    return placed
