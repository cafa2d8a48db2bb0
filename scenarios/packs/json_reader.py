"""Reader of JSON packs, `{"scenarios": [...]}` or a bare list, one row at a time."""

from collections.abc import Iterator
from typing import cast

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
from scenarios.packs.csv_cells import InvalidCellError, read_cell
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


def read_json_rows(data: bytes, start: int, unknown_columns: UnknownColumns) -> Iterator[PackRow]:
    """Yield the rows of a document that begins at `start`. Raise UnreadablePackError."""
    cursor = JSONCursor(FilePosition(data, start))
    if cursor.take(b"["):
        yield from _read_list(cursor, 1, unknown_columns)
    elif cursor.take(b"{"):
        yield from _read_object(cursor, unknown_columns)
    else:
        raise cursor.error_at(cursor.position, _EXPECTED)
    if cursor.peek():
        reason = gettext_noop("There is more text after the end of the JSON document. Remove it.")
        raise cursor.error_at(cursor.position, Message(reason))


def _read_object(cursor: JSONCursor, unknown_columns: UnknownColumns) -> Iterator[PackRow]:
    names: list[str] = []
    has_more = cursor.peek() != b"}"
    while has_more:
        cursor.peek()
        position, name = cursor.position, cursor.take_name()
        if name in names or (_is_list_name(name) and any(map(_is_list_name, names))):
            reason = gettext_noop("“%(name)s” appears twice. Keep one.")
            raise cursor.error_at(position, Message(reason, {"name": printable_excerpt(name)}))
        names.append(name)
        if not _is_list_name(name):
            _skip_member(cursor, position, name, unknown_columns)
        else:
            not_a_list = gettext_noop("“%(name)s” is not a list. %(expected)s")
            cursor.expect(b"[", Message(not_a_list, {"name": LIST_KEY, "expected": _EXPECTED}))
            yield from _read_list(cursor, 2, unknown_columns)
        has_more = cursor.take(b",")
    cursor.expect(b"}", Message(gettext_noop("A comma or the closing } is missing before this.")))
    if not any(map(_is_list_name, names)):
        raise cursor.error_at(cursor.position - 1, _missing_list_message(names))


def _is_list_name(name: str) -> bool:
    return name.strip().lower() == LIST_KEY


def _missing_list_message(names: list[str]) -> Message:
    if not names:
        return Message(gettext_noop("%(expected)s This object is empty."), {"expected": _EXPECTED})
    found = ", ".join(f"“{printable_excerpt(name)}”" for name in names)
    return Message(
        gettext_noop("%(expected)s This object contains %(found)s."), {"expected": _EXPECTED, "found": found}
    )


def _skip_member(cursor: JSONCursor, position: int, name: str, unknown_columns: UnknownColumns) -> None:
    reason = describe_unstorable_text(name) or _describe_unstorable_value(cursor.parse_from(cursor.skip_value(1)))
    if reason:
        named = Message(gettext_noop("“%(name)s”: %(reason)s"), {"name": printable_excerpt(name), "reason": reason})
        raise cursor.error_at(position, named)
    try:
        unknown_columns.ignore(name)
    except TooManyUnknownColumnsError as error:
        raise cursor.error_at(position, error.message) from None


def _read_list(cursor: JSONCursor, depth: int, unknown_columns: UnknownColumns) -> Iterator[PackRow]:
    has_more = cursor.peek() != b"]"
    while has_more:
        cursor.row += 1
        start = cursor.skip_value(depth)
        cursor.mark = cursor.mark.moved_to(start)
        yield _read_row(cursor, start, unknown_columns)
        has_more = cursor.take(b",")
    cursor.expect(b"]", Message(gettext_noop("A comma or the closing ] is missing after this row.")))
    cursor.row = 0


def _read_row(cursor: JSONCursor, start: int, unknown_columns: UnknownColumns) -> PackRow:
    members = cursor.parse_from(start)
    mark = cursor.mark
    if not isinstance(members, JSONObject):
        reason = gettext_noop("This row is not an object. Write it in { }.")
        problem = RowProblem(Message(reason), "", mark.line, mark.column)
        return PackRow(cursor.row, mark.line, {}, [problem])
    try:
        values, found = _convert_members(members, unknown_columns)
    except TooManyUnknownColumnsError as error:
        raise cursor.error_at(start, error.message) from None
    return PackRow(cursor.row, mark.line, values, _locate_problems(found, mark) if found else [])


def _convert_members(
    members: JSONObject, unknown_columns: UnknownColumns
) -> tuple[dict[str, PackValue], dict[int, RowProblem]]:
    """Return a row's values, and its problems by member index."""
    values: dict[str, PackValue] = {}
    problems: dict[int, RowProblem] = {}
    counts: dict[str, int] = {}
    for number, (name_in_file, value) in enumerate(members.pairs):
        if len(problems) == MAX_PROBLEMS:
            break
        name = canonical_column(name_in_file)
        key = name or name_in_file
        counts[key] = counts.get(key, 0) + 1
        value = _read_spelling(name, value)
        # A third occurrence adds nothing to the error about the second.
        if counts[key] > 2:
            continue
        if reason := _describe_duplicate(name_in_file, name, counts[key]) or _describe_member_problem(
            name_in_file, name, value, unknown_columns
        ):
            problems[number] = RowProblem(reason, name or printable_excerpt(name_in_file))
        elif name and value is not None:
            values[name] = normalize_value(name, _as_pack_value(name, value))
    return values, problems


def _read_spelling(name: str, value: JSONValue) -> JSONValue:
    """Return the value that another program wrote as text or a number: "15.0", "Y", 1, or "calm; listening"."""
    kind = COLUMNS.get(name, ColumnType.TEXT)
    if kind is ColumnType.BOOLEAN and isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    if kind is ColumnType.TEXT or not isinstance(value, str):
        return value
    try:
        return cast(JSONValue, read_cell(kind, value))
    except InvalidCellError:
        return value


def _describe_duplicate(name_in_file: str, name: str, count: int) -> Message | None:
    if count != 2:
        return None
    parameters = {"written": printable_excerpt(name_in_file), "column": name}
    if not name:
        return Message(gettext_noop("“%(written)s” appears twice in this row. Keep one."), parameters)
    return Message(gettext_noop("“%(written)s” repeats the field %(column)s in this row. Keep one."), parameters)


def _describe_member_problem(
    name_in_file: str, name: str, value: JSONValue, unknown_columns: UnknownColumns
) -> Message | None:
    """Return the reason that a row may not contain this member, or None if it may."""
    if reason := describe_unstorable_text(name_in_file) or _describe_unstorable_value(value):
        return reason
    if not name:
        intended = unknown_columns.closest_column(name_in_file)
        return misspelling_message(name_in_file, intended) if intended else None
    if value is None or _has_type(COLUMNS[name], value) or (name == "account" and _is_whole(value)):
        return None
    expected = _EXPECTED_TYPES[COLUMNS[name]]
    if COLUMNS[name] is ColumnType.TEXT and isinstance(value, int | float):
        expected = Message(gettext_noop("Enter text in quotation marks."))
    return Message(gettext_noop("%(expected)s %(found)s"), {"expected": expected, "found": _describe_value(value)})


def _describe_unstorable_value(value: JSONValue) -> Message | None:
    """Return the reason that the value cannot be stored, at any depth, or None if it can."""
    if isinstance(value, UnreadableNumber):
        return value.reason
    if isinstance(value, str):
        return describe_unstorable_text(value)
    if isinstance(value, JSONObject):
        names = [name for name, _ in value.pairs]
        if len(set(names)) < len(names):
            return Message(gettext_noop("An object in this value uses the same name twice. Keep one."))
        return next(filter(None, map(describe_unstorable_text, names)), None) or _describe_unstorable_value(
            [one for _, one in value.pairs]
        )
    if isinstance(value, list):
        return next(filter(None, map(_describe_unstorable_value, value)), None)
    return None


def _has_type(kind: ColumnType, value: JSONValue) -> bool:
    if kind is ColumnType.NAMES:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind is ColumnType.INTEGER:
        return _is_whole(value)
    return isinstance(value, bool if kind is ColumnType.BOOLEAN else str)


def _is_whole(value: JSONValue) -> bool:
    """Return True for a whole number. Some programs write 15 as 15.0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()


def _as_pack_value(name: str, value: JSONValue) -> PackValue:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, float):
        value = int(value)
    if name == "account":
        value = str(value)
    assert isinstance(value, str | int)
    return value


def _describe_value(value: JSONValue) -> Message:
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
    """Return the problems with the positions of their members. The row has been parsed once, so this cannot fail."""
    cursor = JSONCursor(mark)
    cursor.take(b"{")
    located = []
    for number in range(max(problems) + 1):
        cursor.peek()
        mark = mark.moved_to(cursor.position)
        cursor.take_name()
        cursor.skip_value(0)
        cursor.take(b",")
        if problem := problems.get(number):
            located.append(RowProblem(problem.message, problem.field, mark.line, mark.column))
    return located
