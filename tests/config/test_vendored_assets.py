"""Files that are copied or drawn: the font, the icons, and the app's own icons."""

import json
import re
import zlib

import pytest

from config.app_icons import STATIC, build_icons
from config.vendored_assets import ASSETS, HASHES, ICONS, vendored_files


def test_vendored_files_are_those_of_their_packages_with_their_licenses():
    recorded = json.loads(HASHES.read_text())

    assert vendored_files() == recorded["sha256"]
    assert {name for name in recorded["sha256"] if name.endswith("LICENSE.txt")} == {
        "vendored/figtree-LICENSE.txt",
        "vendored/lucide-LICENSE.txt",
    }
    assert "SIL OPEN FONT LICENSE" in (ASSETS / "vendored/figtree-LICENSE.txt").read_text()
    assert "ISC License" in (ASSETS / "vendored/lucide-LICENSE.txt").read_text()
    assert set(recorded["packages"]) == {"@fontsource-variable/figtree", "lucide-static"}


def test_sprite_has_each_icon_once():
    sprite = (ASSETS / "icons.svg").read_text()

    assert [sprite.count(f'<symbol id="{name}"') for name in ICONS] == [1] * len(ICONS)
    assert sprite.count("<symbol ") == len(ICONS)


def test_every_icon_of_a_template_is_in_the_sprite(settings):
    names = set()
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        names |= set(re.findall(r'{% icon "([^"]+)"', template.read_text()))

    assert names - set(ICONS) == set()


@pytest.mark.parametrize("name", build_icons())
def test_app_icons_are_drawn_from_the_logo(name):
    """Compare pixels: another version of zlib may compress them differently."""
    drawn, kept = build_icons()[name], (STATIC / name).read_bytes()

    assert pixels(drawn) == pixels(kept)


def pixels(content: bytes) -> bytes:
    begin = content.index(b"IDAT") + 4
    return zlib.decompressobj().decompress(content[begin:])
