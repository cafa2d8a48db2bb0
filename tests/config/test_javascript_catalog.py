"""Tests for the catalog that gives the pages' scripts `gettext`."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from tests.support.fixtures import *  # noqa: F403


def test_catalog_is_public_and_cacheable(client):
    response = client.get("/texts.js")

    assert response.status_code == 200
    assert response["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert response["Cache-Control"] == "public, max-age=3600"
    assert "Vary" not in response
    assert "django.gettext = function" in response.text


MODULE = re.compile(r"""<script type="module" src="{% static '([^']+)' %}">""")
CATALOG = """<script src="{% url 'site:javascript_catalog' %}" defer></script>"""
LOADED_BY_SCRIPT = "data-texts-url="  # the page loads the catalog before the modules that need it


def uses_texts(module: Path) -> bool:
    """Return True if a module, or one that it imports, calls the functions of the catalog."""
    source = module.read_text()
    imported = [module.parent / name for name in re.findall(r"""(?:from|import) ?\(?"(\./[^"]+)\"""", source)]
    return bool(re.search(r"\b(n?gettext|interpolate)\(", source)) or any(map(uses_texts, imported))


def test_pages_load_the_catalog_before_modules_that_need_it():
    missing = []
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        source = template.read_text()
        for found in MODULE.finditer(source):
            needs_it = uses_texts(Path(str(finders.find(found[1]))))
            has_it = CATALOG in source[: found.start()] or LOADED_BY_SCRIPT in source or "admin/" in str(template)
            if needs_it and not has_it:
                missing.append(f"{template.name}: {found[1]}")

    assert missing == []


def test_admin_site_loads_the_catalog(client, supervisor):
    client.force_login(supervisor)

    assert '<script src="/texts.js" defer>' in client.get("/admin/").text
