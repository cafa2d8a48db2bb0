import pickle
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.messages import Message
from scenarios.packs.reader import TooManyRowsError, UnknownColumns, UnreadablePackError, read_pack
from scenarios.receivers import DEFAULT_CATEGORIES, DEFAULT_SKILLS
from tests.scenarios.packs.reading_packs import refusal_of, rows_of, values_of

SAMPLES = Path(__file__).parents[3] / "fixtures" / "packs"
CSV = b"title,prompt\nA,B\n"
JSON = b'[{"title": "A", "prompt": "B"}]'
PLAIN = [{"title": "A", "prompt": "B"}]


class CountingFile(BytesIO):
    """A file that counts the bytes read from it."""

    bytes_read = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.bytes_read += len(piece)
        return piece


class CountingPipe(CountingFile):
    """A file that cannot seek and returns at most 1,000 bytes per read."""

    def seekable(self):
        return False

    def read(self, size=-1):
        return super().read(min(size, 1000))


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (CSV, "pack.csv"),
        (CSV, "PACK.CSV"),
        (CSV, "pack.txt"),
        (CSV, ""),
        (JSON, "pack.json"),
        (JSON, "scenarios.v2.JSON"),
        (b"\xef\xbb\xbf \n" + JSON, ""),
        (b'{"scenarios": ' + JSON + b"}", "pack"),
    ],
)
def test_format_is_detected_from_extension_or_content(data, filename):
    assert values_of(data, filename) == PLAIN


@pytest.mark.parametrize(("data", "filename"), [(CSV, "pack.json"), (JSON, "pack.csv")])
def test_extension_takes_precedence_over_content(data, filename):
    assert refusal_of(data, filename)[:2] == (1, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b" \r\n\t ", "The file is empty."),
        ("title,prompt".encode("utf-16-be"), "The file is UTF-16."),
        ("title,prompt".encode("utf-16-le"), "The file is UTF-16."),
        ("title,prompt".encode("utf-32"), "The file is UTF-16."),
        (b"PK\x03\x04\x14\x00", "This is a spreadsheet or a zip file."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "This is a spreadsheet or a zip file."),
    ],
)
@pytest.mark.parametrize("filename", ["pack.json", "pack.csv", ""])
def test_binary_file_is_rejected_with_advice(data, message, filename):
    found = refusal_of(data, filename)[2]

    assert found.startswith(message)
    assert found == message or "UTF-8" in found


@pytest.mark.parametrize("limit", [len(CSV), len(CSV) + 1])
def test_file_of_maximum_size_is_read(limit):
    assert len(rows_of(CSV, max_bytes=limit)) == 1


def test_oversized_file_is_rejected_before_reading():
    file = CountingFile(bytes(10 * 1024**2 + 1))

    with pytest.raises(UnreadablePackError, match="^The file is larger than 10 MB. Split it into several files.$"):
        list(read_pack(file, max_bytes=10 * 1024**2))

    assert file.bytes_read == 0


def test_oversized_pipe_is_rejected_while_reading():
    pipe = CountingPipe(bytes(1_000_000))

    with pytest.raises(UnreadablePackError, match="larger"):
        list(read_pack(pipe, max_bytes=5_000))

    assert pipe.bytes_read == 6_000


@pytest.mark.parametrize("data", [b"[{},\n{},\n{}]", b"title,prompt\nA,B\nA,B\n\nA,B\n"])
def test_file_over_row_limit_is_rejected(data):
    with pytest.raises(TooManyRowsError, match="The file has more than 2 rows. Split it into several files.") as error:
        rows_of(data, max_rows=2)

    assert error.value.line == data.count(b"\n", 0, -1) + 1
    assert len(rows_of(data, max_rows=3)) == 3


@pytest.mark.parametrize("filename", ["pack.json", "pack.csv"])
def test_rows_are_read_lazily(filename):
    data = {"pack.json": JSON[:-1] + b",\nbroken", "pack.csv": CSV + b'A,"broken'}[filename]
    rows = read_pack(BytesIO(data), filename)

    first = next(rows)

    assert first.values == PLAIN[0]
    with pytest.raises(UnreadablePackError, match="^Line [23], column [13]: "):
        next(rows)


def test_file_is_read_from_current_position():
    file = BytesIO(b"12345" + CSV)
    file.seek(5)

    assert [row.values for row in read_pack(file, max_bytes=len(CSV))] == PLAIN


def test_uploads_and_pipes_give_same_rows(tmp_path):
    data = CSV + b"A,B\n" * 40_000
    in_memory = InMemoryUploadedFile(BytesIO(data), "file", "pack.csv", "text/csv", len(data), None)
    stored = TemporaryUploadedFile("pack.csv", "text/csv", len(data), None)
    stored.write(data)
    stored.seek(0)
    path = tmp_path / "pack.csv"
    path.write_bytes(data)

    with stored, path.open("rb") as opened:
        numbers = [
            sum(row.values == PLAIN[0] for row in read_pack(file, "pack.csv", max_rows=50_000))
            for file in [in_memory, stored, opened, CountingPipe(data)]
        ]

    assert numbers == [40_001] * 4


def test_unreadable_pack_error_can_be_pickled():
    error = UnreadablePackError(Message("Why."), 3, 4)

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.line, copy.column) == ("Line 3, column 4: Why.", 3, 4)
    assert [str(UnreadablePackError(Message("Why."), 3)), str(UnreadablePackError(Message("Why.")))] == [
        "Line 3: Why.",
        "Why.",
    ]


def peak_memory_beyond_file(data, filename):
    """Return the peak memory while a pack is read, in bytes, less the size of the file."""
    file = BytesIO(data)
    tracemalloc.start()
    try:
        number = sum(1 for _ in read_pack(file, filename))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert number == 5_000
    return peak - len(data)


TEXT = b"The caller says little and waits. " * 60
PACKS = {
    "pack.json": b'{"scenarios": [' + b", ".join([b'{"title": "A", "prompt": "%s"}' % TEXT] * 5_000) + b"]}",
    "wrong.json": b"[\n" + b",\n".join([b'{"title": 5, "prompt": "%s"}' % TEXT] * 5_000) + b"\n]",
    "pack.csv": b"title,prompt\n" + b'A,"%s"\n' % TEXT * 5_000,
    "wrong.csv": b"title,prompt,is_active\n" + b'A,"%s",maybe\n' % TEXT * 5_000,
}


@pytest.mark.parametrize("filename", PACKS)
def test_memory_holds_file_and_one_row(filename):
    peak = peak_memory_beyond_file(PACKS[filename], filename)

    assert len(PACKS[filename]) > 10_000_000
    # Includes the buffer's spare room as it grows while the file is read: an eighth of the file's size.
    assert peak < 2_000_000


MARKS = [bytes([byte]) for byte in b',;\t\n\r"[]{}:\\1 \0\xff']
WORDS = [
    b"title",
    b"prompt",
    b"skills",
    b"isActive",
    b'{"title":',
    b'"scenarios":[',
    b'""',
    b"\\ud800",
    b"\\u0000",
    b"NaN",
    b"'=",
]
PIECES = st.sampled_from([*MARKS, *WORDS, "é".encode()])


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(st.binary(), st.lists(PIECES, max_size=40).map(b"".join)),
    st.sampled_from(
        [b"", b"title,prompt,skills,is_active\n", b"title;prompt\n", b'{"scenarios":[', b'[{"title":"a"},']
    ),
    st.sampled_from(["", "pack.csv", "pack.json"]),
)
def test_any_bytes_are_read_or_rejected(data, beginning, filename):
    rows = []
    try:
        for row in read_pack(BytesIO(beginning + data), filename, unknown_columns=UnknownColumns()):
            rows.append(row)
    except UnreadablePackError as error:
        assert str(error)

    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    lines = (beginning + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
    for place in [*rows, *(problem for row in rows for problem in row.problems)]:
        assert 1 <= place.line <= lines


def test_sample_packs_are_equal_in_both_formats():
    sheet, document = [
        list(read_pack(BytesIO((SAMPLES / name).read_bytes()), name)) for name in ["scenarios.csv", "scenarios.json"]
    ]

    assert [row.values for row in sheet] == [row.values for row in document]
    assert [row.problems for row in sheet + document] == [[]] * 8
    assert {row.values["category"] for row in sheet} == set(DEFAULT_CATEGORIES)
    assert {row.values["mode"] for row in sheet} == {"phone", "chat"}
    assert {skill for row in sheet for skill in row.values["skills"]} < set(DEFAULT_SKILLS)
