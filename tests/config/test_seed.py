from datetime import UTC, datetime, timedelta

import pytest

from config.launcher import seed


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Replace the making of a seed, and return the list of the times it was made."""
    made = []

    def make() -> None:
        made.append(datetime.now(UTC))
        files = tmp_path / "seed" / "data" / "files"
        files.mkdir(parents=True, exist_ok=True)
        (files / "one.wav").write_text("audio")
        (tmp_path / "seed" / "data" / "demo.sqlite3").write_text("rows")
        (tmp_path / "seed" / "made-at").write_text((datetime.now(UTC) - timedelta(days=3)).isoformat())
        (tmp_path / "seed" / "sources").write_text(seed._digest())

    monkeypatch.setattr(seed, "FOLDER", tmp_path / "seed")
    monkeypatch.setattr(seed, "_make_seed", make)
    monkeypatch.setattr(seed, "SOURCES", ("fixtures/demo",))
    return made


def test_seed_is_made_once_and_copied_into_each_demo(made, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()

        age = seed.copy_seed(tmp_path / name)

        assert age == 3
        assert (tmp_path / name / "demo.sqlite3").read_text() == "rows"
        assert (tmp_path / name / "files" / "one.wav").read_text() == "audio"
    assert len(made) == 1


def test_seed_is_made_again_when_its_sources_change(made, monkeypatch):
    seed.make_seed()
    monkeypatch.setattr(seed, "SOURCES", ("fixtures/demo", "evaluation/demo"))

    seed.make_seed()
    seed.make_seed()

    assert len(made) == 2
