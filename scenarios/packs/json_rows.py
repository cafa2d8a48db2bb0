"""Reads a JSON pack, `{"scenarios": [...]}` or a bare list, one row at a time."""

from collections.abc import Iterator

from scenarios.packs.columns import COLUMNS, Kind, Notes, TooManyUnknown, canonical, misspelt, text_problem, tidied
from scenarios.packs.json_cursor import Cursor, JSONValue, Members, Unreadable
from scenarios.packs.places import Bookmark
from scenarios.packs.rows import MOST_PROBLEMS, PackRow, PackValue, Problem, shown

LIST = "scenarios"
_WANTED = f'A pack is a JSON object with a list named "{LIST}", or that list alone.'


def json_rows(data: bytes, start: int, notes: Notes) -> Iterator[PackRow]:
    """The rows of a document that begins at `start`. Raises PackRefused."""
    cursor = Cursor(Bookmark(data, start))
    if cursor.take(b"["):
        yield from _list_rows(cursor, 1, notes)
    elif cursor.take(b"{"):
        yield from _object_rows(cursor, notes)
    else:
        raise cursor.refusal(cursor.position, _WANTED)
    if cursor.peek():
        raise cursor.refusal(cursor.position, "The document is closed, but more text follows. Remove it.")


def _object_rows(cursor: Cursor, notes: Notes) -> Iterator[PackRow]:
    names: list[str] = []
    more = cursor.peek() != b"}"
    while more:
        cursor.peek()
        place, name = cursor.position, cursor.name()
        if name in names:
            raise cursor.refusal(place, f"“{shown(name)}” stands here a second time. Keep one.")
        names.append(name)
        if name != LIST:
            _skip_member(cursor, place, name, notes)
        else:
            cursor.expect(b"[", f"“{LIST}” is not a list. {_WANTED}")
            yield from _list_rows(cursor, 2, notes)
        more = cursor.take(b",")
    cursor.expect(b"}", "A comma or the closing } is missing before this.")
    if LIST not in names:
        found = ", ".join(f"“{shown(name)}”" for name in names) or "nothing"
        raise cursor.refusal(cursor.position - 1, f"{_WANTED} This object holds {found}.")


def _skip_member(cursor: Cursor, place: int, name: str, notes: Notes) -> None:
    why = text_problem(name) or _unstorable(cursor.parsed(cursor.value(1)))
    if why:
        raise cursor.refusal(place, f"“{shown(name)}”: {why}")
    try:
        notes.ignore(name)
    except TooManyUnknown as error:
        raise cursor.refusal(place, str(error)) from None


def _list_rows(cursor: Cursor, depth: int, notes: Notes) -> Iterator[PackRow]:
    more = cursor.peek() != b"]"
    while more:
        cursor.row += 1
        start = cursor.value(depth)
        cursor.mark = cursor.mark.moved_to(start)
        yield _row(cursor, start, notes)
        more = cursor.take(b",")
    cursor.expect(b"]", "After this row a comma or the closing ] is missing.")
    cursor.row = 0


def _row(cursor: Cursor, start: int, notes: Notes) -> PackRow:
    members = cursor.parsed(start)
    mark = cursor.mark
    if not isinstance(members, Members):
        problem = Problem("This row is not an object in { }.", "", mark.line, mark.column)
        return PackRow(cursor.row, mark.line, {}, [problem])
    try:
        values, found = _judged(members, notes)
    except TooManyUnknown as error:
        raise cursor.refusal(start, str(error)) from None
    return PackRow(cursor.row, mark.line, values, _placed(found, mark) if found else [])


def _judged(members: Members, notes: Notes) -> tuple[dict[str, PackValue], dict[int, Problem]]:
    """A row's values, and its problems by the number of the member that has them."""
    values: dict[str, PackValue] = {}
    problems: dict[int, Problem] = {}
    times: dict[str, int] = {}
    for number, (written, value) in enumerate(members.pairs):
        if len(problems) == MOST_PROBLEMS:
            break
        name = canonical(written)
        key = name or written
        times[key] = times.get(key, 0) + 1
        # A third time says nothing that the second did not.
        if times[key] > 2:
            continue
        if why := _doubled(written, name, times[key]) or _member_problem(written, name, value, notes):
            problems[number] = Problem(why, name or shown(written))
        elif name and value is not None:
            values[name] = tidied(name, _as_pack_value(value))
    return values, problems


def _doubled(written: str, name: str, times: int) -> str:
    return f"“{shown(written)}” names {name or 'the same'} a second time in this row. Keep one." if times == 2 else ""


def _member_problem(written: str, name: str, value: JSONValue, notes: Notes) -> str:
    """Why a row may not hold this member; empty when it may."""
    if why := text_problem(written) or _unstorable(value):
        return why
    if not name:
        meant = notes.meant_by(written)
        return misspelt(written, meant) if meant else ""
    if value is None or _is_of(COLUMNS[name], value):
        return ""
    hint = " Write it in quotes." if COLUMNS[name] is Kind.TEXT and isinstance(value, int | float) else ""
    return f"This must be {COLUMNS[name].value}, not {_described(value)}.{hint}"


def _unstorable(value: JSONValue) -> str:
    """What JSON or our database has no place for, however deep it stands; empty when there is nothing."""
    if isinstance(value, Unreadable):
        return value.why
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, Members):
        names = [name for name, _ in value.pairs]
        if len(set(names)) < len(names):
            return "An object in here names something twice. Keep one."
        return next(filter(None, map(text_problem, names)), "") or _unstorable([one for _, one in value.pairs])
    if isinstance(value, list):
        return next(filter(None, map(_unstorable, value)), "")
    return ""


def _is_of(kind: Kind, value: JSONValue) -> bool:
    if kind is Kind.NAMES:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind is Kind.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if kind is Kind.BOOLEAN else str)


def _as_pack_value(value: JSONValue) -> PackValue:
    if isinstance(value, list):
        return [str(one) for one in value]
    assert isinstance(value, str | int)
    return value


def _described(value: JSONValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text “{shown(value)}”"
    if isinstance(value, Members):
        return "an object"
    if isinstance(value, list):
        return "a list that holds something else" if any(not isinstance(one, str) for one in value) else "a list"
    return f"the number {value}"


def _placed(problems: dict[int, Problem], mark: Bookmark) -> list[Problem]:
    """The problems with the places where their members begin. The row has been parsed, so the cursor only counts."""
    cursor = Cursor(mark)
    cursor.take(b"{")
    placed = []
    for number in range(max(problems) + 1):
        cursor.peek()
        mark = mark.moved_to(cursor.position)
        cursor.name()
        cursor.value(0)
        cursor.take(b",")
        if problem := problems.get(number):
            placed.append(Problem(problem.message, problem.field, mark.line, mark.column))
    return placed
