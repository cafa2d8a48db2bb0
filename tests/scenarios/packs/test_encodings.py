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


@pytest.mark.parametrize("line", ["sep=\t\n", "sep=\\t\n", "sep=tab\r\n"])
def test_separator_line_accepts_names_for_tab(line):
    assert values_of(f"{line}title\tprompt\nA\tB; c, d\n".encode()) == [{"title": "A", "prompt": "B; c, d"}]


@pytest.mark.parametrize("encoding", ["cp437", "cp850", "mac-roman"])
@pytest.mark.parametrize(
    "text", ["Café", "Voilà, the café of señor Núñez, naïve as he is", "Zoë’s mother is naïve", "Schön"]
)
def test_older_encodings_are_refused(encoding, text):
    # Windows-1252 would decode them with the wrong letters.
    data = f"title,prompt\nA,“{text}”\n".replace(", ", " ").encode(encoding, "ignore")

    assert "CSV UTF-8" in refusal_of(data)[2]


@pytest.mark.parametrize(
    "text",
    [
        "Café",
        "“You’re” – now…",
        "SÃO PAULO",
        "É tarde",
        "50 € and 3 £",
        "m², 20 °C, n° 3",
        "¿Qué? ¡No!",
        "I…I don't know",
        "wait…what",
        "“no”and",
        "listen•reflect•plan",
    ],
)
def test_windows_1252_is_read(text):
    assert values_of(f"title,prompt\nA,{text.replace(',', '')}\n".encode("cp1252")) == [
        {"title": "A", "prompt": text.replace(",", "")}
    ]
