"""Tests for the catalog that gives the pages' scripts `gettext`."""

from tests.support.fixtures import *  # noqa: F403


def test_catalog_is_public_and_cacheable(client):
    response = client.get("/texts.js")

    assert response.status_code == 200
    assert response["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert response["Cache-Control"] == "public, max-age=3600"
    assert "Vary" not in response
    assert "django.gettext = function" in response.text


def test_pages_load_the_catalog_before_their_modules(client):
    html = client.get("/account/login/").text

    assert html.index('<script src="/texts.js" defer>') < html.index('<script type="module"')
    assert '<html lang="en-us">' in html


def test_admin_site_loads_the_catalog(client, supervisor):
    client.force_login(supervisor)

    assert '<script src="/texts.js" defer>' in client.get("/admin/").text
