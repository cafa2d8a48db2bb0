"""Collected static files: complete, hashed, compressed, and refused if they belong to another version."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from config.storage.static import SHARED_STYLES, SOURCES_DIGEST, ProductStaticStorage, require_current_static_files


@pytest.fixture(scope="module")
def collected(tmp_path_factory, django_db_blocker) -> Path:
    """Return a folder with the collected files of this version."""
    folder = tmp_path_factory.mktemp("static")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staticfiles_storage, "_wrapped", ProductStaticStorage(location=folder, base_url="/static/"))
        call_command("collectstatic", verbosity=0, interactive=False, skip_checks=True)
    return folder


def test_every_file_is_hashed_and_texts_are_compressed(collected):
    files = [file for file in collected.rglob("*") if file.is_file() and file.suffix != ".gz"]
    plain = {file.name for file in files if not re.search(r"\.[0-9a-f]{12}(\.\w+)?$", file.name)}

    assert plain == {"staticfiles.json", SOURCES_DIGEST}
    for file in files:
        if file.suffix in (".css", ".js", ".svg") and file.stat().st_size > 2000:
            assert file.with_name(file.name + ".gz").exists(), file


def test_modules_and_styles_refer_to_hashed_files(collected):
    reference = re.compile(
        r"""(?:from|import)\s*\(?["'](\.[^"']+\.js)["']|url\(["']?([^"')]+\.(?:woff2|svg|css))["']?\)"""
    )
    found = 0
    for folder in ("site", "training", "scenarios", "evaluation"):
        for file in (*(collected / folder).glob("*.js"), *(collected / folder).glob("*.css")):
            for names in reference.findall(file.read_text()):
                name = "".join(names)
                assert (file.parent / name).exists(), (file.name, name)
                found += 1
    assert found > 10


def test_worklets_of_calls_refer_to_hashed_files(collected):
    [audio] = (collected / "training").glob("call-audio.*.js")

    names = re.findall(r'new URL\("(\./[^"]+)", import\.meta\.url\)', audio.read_text())

    assert len(names) == 2
    assert all((audio.parent / name).exists() for name in names)


def test_shared_styles_are_one_file(collected):
    [bundle] = (collected / "site").glob("shared.*.css")
    sizes = [next((collected / "site").glob(f"{Path(name).stem}.*.css")).stat().st_size for name in SHARED_STYLES]

    assert abs(bundle.stat().st_size - sum(sizes)) < 10


def test_files_of_another_version_are_refused(collected, settings, monkeypatch):
    settings.STATIC_ROOT = collected
    monkeypatch.setattr(
        "config.storage.static.staticfiles_storage", ProductStaticStorage(location=collected, base_url="/static/")
    )
    require_current_static_files()

    monkeypatch.setattr("config.storage.static.digest_sources", lambda: "of another version")
    with pytest.raises(ImproperlyConfigured, match="collectstatic --no-input"):
        require_current_static_files()
