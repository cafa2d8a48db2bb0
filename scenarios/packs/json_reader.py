"""Reader of JSON packs, `{"scenarios": [...]}` or a bare list, one row at a time."""

from collections.abc import Iterator

from scenarios.messages import Message, gettext_noop
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
_EXPECTED = Message(
    gettext_noop("A pack is a JSON object with a list named “%(name)s”, or just that list."), {"name": LIST_KEY}
)
_EXPECTED_TYPES = {
    ColumnType.TEXT: Message(gettext_noop("Enter text.")),
    ColumnType.INTEGER: Message(gettext_noop("Enter a whole number, such as 15.")),
    ColumnType.BOOLEAN: Message(gettext_noop("Enter true or false.")),
    ColumnType.NAMES: Message(gettext_noop("Enter a list of names.")),
}


def read_json_rows(data: bytes, start: int, notes: UnknownColumns) -> Iterator[PackRow]:
    """Yield the rows of a document that begins at `start`. Raise UnreadablePackError."""
    cursor = JSONCursor(FilePosition(data, start))
    if cursor.take(b"["):
        yield from _list_rows(cursor, 1, notes)
    elif cursor.take(b"{"):
        yield from _object_rows(cursor, notes)
    else:
        raise cursor.error_at(cursor.position, _EXPECTED)
    if cursor.peek():
        reason = gettext_noop("There is more text after the end of the JSON document. Remove it.")
        raise cursor.error_at(cursor.position, Message(reason))


def _object_rows(cursor: JSONCursor, notes: UnknownColumns) -> Iterator[PackRow]:
    names: list[str] = []
    more = cursor.peek() != b"}"
    while more:
        cursor.peek()
        place, name = cursor.position, cursor.name()
        if name in names:
            reason = gettext_noop("“%(name)s” appears twice. Keep one.")
            raise cursor.error_at(place, Message(reason, {"name": printable_excerpt(name)}))
        names.append(name)
        if name != LIST_KEY:
            _skip_member(cursor, place, name, notes)
        else:
            not_a_list = gettext_noop("“%(name)s” is not a list. %(expected)s")
            cursor.expect(b"[", Message(not_a_list, {"name": LIST_KEY, "expected": _EXPECTED}))
            yield from _list_rows(cursor, 2, notes)
        more = cursor.take(b",")
    cursor.expect(b"}", Message(gettext_noop("A comma or the closing } is missing before this.")))
    if LIST_KEY not in names:
        raise cursor.error_at(cursor.position - 1, _missing_list_message(names))


def _missing_list_message(names: list[str]) -> Message:
    if not names:
        return Message(gettext_noop("%(expected)s This object is empty."), {"expected": _EXPECTED})
    found = ", ".join(f"“{printable_excerpt(name)}”" for name in names)
    return Message(
        gettext_noop("%(expected)s This object contains %(found)s."), {"expected": _EXPECTED, "found": found}
    )


def _skip_member(cursor: JSONCursor, place: int, name: str, notes: UnknownColumns) -> None:
    reason = describe_unstorable_text(name) or _unstorable(cursor.parsed(cursor.value(1)))
    if reason:
        named = Message(gettext_noop("“%(name)s”: %(reason)s"), {"name": printable_excerpt(name), "reason": reason})
        raise cursor.error_at(place, named)
    try:
        notes.ignore(name)
    except TooManyUnknownColumnsError as error:
        raise cursor.error_at(place, error.message) from None


def _list_rows(cursor: JSONCursor, depth: int, notes: UnknownColumns) -> Iterator[PackRow]:
    more = cursor.peek() != b"]"
    while more:
        cursor.row += 1
        start = cursor.value(depth)
        cursor.mark = cursor.mark.moved_to(start)
        yield _row(cursor, start, notes)
        more = cursor.take(b",")
    cursor.expect(b"]", Message(gettext_noop("A comma or the closing ] is missing after this row.")))
    cursor.row = 0


def _row(cursor: JSONCursor, start: int, notes: UnknownColumns) -> PackRow:
    members = cursor.parsed(start)
    mark = cursor.mark
    if not isinstance(members, JSONObject):
        reason = gettext_noop("This row is not an object. Write it in { }.")
        problem = RowProblem(Message(reason), "", mark.line, mark.column)
        return PackRow(cursor.row, mark.line, {}, [problem])
    try:
        values, found = _convert_members(members, notes)
    except TooManyUnknownColumnsError as error:
        raise cursor.error_at(start, error.message) from None
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
        if reason := _duplicate_problem(written, name, times[key]) or _member_problem(written, name, value, notes):
            problems[number] = RowProblem(reason, name or printable_excerpt(written))
        elif name and value is not None:
            values[name] = normalize_value(name, _as_pack_value(value))
    return values, problems


def _duplicate_problem(written: str, name: str, times: int) -> Message | None:
    if times != 2:
        return None
    given = {"written": printable_excerpt(written), "column": name}
    if not name:
        return Message(gettext_noop("“%(written)s” appears twice in this row. Keep one."), given)
    return Message(gettext_noop("“%(written)s” sets %(column)s a second time in this row. Keep one."), given)


def _member_problem(written: str, name: str, value: JSONValue, notes: UnknownColumns) -> Message | None:
    """Return the reason that a row may not contain this member, or None if it may."""
    if reason := describe_unstorable_text(written) or _unstorable(value):
        return reason
    if not name:
        meant = notes.closest_column(written)
        return misspelling_message(written, meant) if meant else None
    if value is None or _has_type(COLUMNS[name], value):
        return None
    expected = _EXPECTED_TYPES[COLUMNS[name]]
    if COLUMNS[name] is ColumnType.TEXT and isinstance(value, int | float):
        expected = Message(gettext_noop("Enter text in quotation marks."))
    return Message(gettext_noop("%(expected)s %(found)s"), {"expected": expected, "found": _described(value)})


def _unstorable(value: JSONValue) -> Message | None:
    """Return the reason that the value cannot be stored, at any depth, or None if it can."""
    if isinstance(value, UnreadableNumber):
        return value.reason
    if isinstance(value, str):
        return describe_unstorable_text(value)
    if isinstance(value, JSONObject):
        names = [name for name, _ in value.pairs]
        if len(set(names)) < len(names):
            return Message(gettext_noop("An object in this value uses the same name twice. Keep one."))
        return next(filter(None, map(describe_unstorable_text, names)), None) or _unstorable(
            [one for _, one in value.pairs]
        )
    if isinstance(value, list):
        return next(filter(None, map(_unstorable, value)), None)
    return None


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


def _described(value: JSONValue) -> Message:
    if isinstance(value, bool):
        return Message(gettext_noop("Found %(value)s."), {"value": "true" if value else "false"})
    if isinstance(value, str):
        return Message(gettext_noop("Found the text “%(text)s”."), {"text": printable_excerpt(value)})
    if isinstance(value, JSONObject):
        return Message(gettext_noop("Found an object."))
    if isinstance(value, list) and any(not isinstance(one, str) for one in value):
        return Message(gettext_noop("Found a list that contains something other than text."))
    if isinstance(value, list):
        return Message(gettext_noop("Found a list."))
    return Message(gettext_noop("Found the number %(value)s."), {"value": value})


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
