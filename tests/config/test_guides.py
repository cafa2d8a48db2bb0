"""Guides: Markdown files of the repository, shown as pages."""

import re

import pytest
from django.urls import resolve

from config.guides import FOLDER, GUIDES, render_guide
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of

NAMES = [guide.name for guide in GUIDES]


def test_every_file_of_the_folder_is_a_guide():
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_guide_has_sections_and_working_links(name):
    page = render_guide(name)

    assert len(re.findall("<h2>", page)) >= 3
    assert "<h1>" not in page  # the page has its own
    for path in re.findall('href="([^"]+)"', page):
        assert resolve(path)


def test_raw_html_in_a_guide_is_escaped(tmp_path, monkeypatch, settings):
    settings.DEBUG = True  # reads the file again
    monkeypatch.setattr("config.guides.FOLDER", tmp_path)
    (tmp_path / "feedback.md").write_text("<script>1</script> and [a link](javascript:alert(1))")

    page = render_guide("feedback")

    assert ("<script" in page, "href" in page) == (False, False)


@pytest.mark.django_db
def test_guides_are_linked_from_the_account_menu_and_from_each_other(counselor):
    client = client_of(counselor)

    assert 'href="/guides/"' in client.get("/").text
    listed = client.get("/guides/").text
    assert [f'href="/guides/{name}/"' in listed for name in NAMES] == [True] * len(NAMES)
    one = client.get(f"/guides/{NAMES[0]}/").text
    assert [f'href="/guides/{name}/"' in one for name in NAMES] == [False, True, True, True]
    assert client.get("/guides/nothing/").status_code == 404


@pytest.mark.django_db
def test_pages_explain_their_terms_and_lead_to_the_guide(supervisor, chat_scenario, account):
    client = client_of(supervisor)
    helps = {
        "/reviews/agreement/": ("Help with agreement", "feedback"),
        f"/scenarios/{chat_scenario.pk}/": ("Help with the content note", "writing-a-caller"),
        f"/scenarios/{chat_scenario.pk}/assessed/": ("Help with checks", "writing-a-caller"),
        f"/accounts/{account.pk}/": ("Help with procedures", "setting-up-a-center"),
    }

    for path, (label, guide) in helps.items():
        explanation = re.search(rf'<summary aria-label="{label}">.*?</details>', client.get(path, follow=True).text)
        assert explanation and f'href="/guides/{guide}/"' in explanation[0], path
