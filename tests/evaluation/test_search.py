import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Account, ProcedureSection
from accounts.procedures.uploads import upload_procedures
from evaluation.reports.search import MAX_RESULTS, search
from tests.support.fixtures import add_scenario, client_of


def titles(user, words: str) -> dict[str, list[str]]:
    return {group.key: [result.title for result in group.results] for group in search(user, words)}


def test_supervisor_finds_scenarios_people_and_conversations(supervisor, counselor, finished_chat):
    title = finished_chat.title

    found = titles(supervisor, title[:6])

    assert title in found["scenarios"] and title in found["conversations"]
    assert titles(supervisor, counselor.email)["people"] == [str(counselor)]


def test_counselor_finds_only_what_they_may_practice_and_their_own_conversations(counselor, colleague, finished_chat):
    assert titles(counselor, finished_chat.title)["conversations"] == [finished_chat.title]
    assert "conversations" not in titles(colleague, finished_chat.title)
    assert "people" not in titles(counselor, colleague.email)


def test_stranger_finds_nothing_of_another_center(stranger, counselor, finished_chat):
    assert titles(stranger, finished_chat.title) == {}
    assert titles(stranger, counselor.email) == {}


def test_more_results_than_shown_lead_to_the_whole_list(supervisor, organization):
    for number in range(MAX_RESULTS + 1):
        add_scenario(organization, f"Harbor lights {number}")

    [group] = search(supervisor, "harbor lights")

    assert (group.key, len(group.results)) == ("scenarios", MAX_RESULTS)
    assert group.more_url == "/scenarios/?q=harbor+lights"


def test_section_of_a_procedure_is_found_by_a_word_of_its_text(supervisor, account):
    upload = SimpleUploadedFile(
        "717.md", b"# Account 717\n\n3010 Asking\nAsk directly when a caller speaks of a lighthouse."
    )
    document = upload_procedures(account, upload, supervisor)
    section = ProcedureSection.objects.create(
        organization=account.organization,
        document=document,
        position=0,
        number="3010",
        title="Asking",
        text="Ask directly when a caller speaks of a lighthouse.",
    )
    assert titles(supervisor, "lighthouse") == {}
    Account.objects.filter(pk=account.pk).update(procedures=document)

    [group] = search(supervisor, "LIGHTHOUSE")

    [result] = group.results
    assert (group.key, result.title) == ("procedures", "3010 Asking")
    assert result.detail.endswith("caller speaks of a lighthouse.") and str(section.pk) in result.url


@pytest.mark.parametrize("query", ["", "a", " "])
def test_too_short_query_searches_nothing(supervisor, finished_chat, query):
    assert search(supervisor, query) == []


def test_page_says_that_nothing_was_found(counselor):
    page = client_of(counselor).get(reverse("evaluation:search"), {"q": "<zzz>"}).content.decode()

    assert "Nothing found for “&lt;zzz&gt;”" in page
