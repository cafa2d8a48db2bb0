import pytest

from scenarios.packs.encodings import convert_to_utf8
from tests.scenarios.packs.reading_packs import refusal_of, values_of

TEXT = "title,prompt\nCafé,“You’re” alone.\n"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_text_is_converted(encoding):
    assert convert_to_utf8(TEXT.encode(encoding)).decode().removeprefix("\ufeff") == TEXT


def test_damaged_utf8_is_not_taken_for_windows_1252():
    data = "title,prompt\nCafé élan,You.\nB,You".encode() + b"\xe9.\n"

    assert convert_to_utf8(data) == data
    assert refusal_of(data)[:2] == (3, 6)


def test_json_in_smart_quotes_is_read():
    data = "[{“title”: “A”, “prompt”: “You.”, “is_active”: true}]".encode()

    assert values_of(data, "pack.json") == [{"title": "A", "prompt": "You.", "is_active": True}]


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\ufeffsep=;\n", "sep=;;;\n"])
def test_separator_line_is_obeyed_and_counted(line):
    data = f"{line}title;prompt;mode\nA;You, too.;chat\n".encode()

    assert values_of(data, "pack.csv") == [{"title": "A", "prompt": "You, too.", "mode": "chat"}]
    assert refusal_of(f"{line}title;promt\n".encode(), "pack.csv")[0] == 2
