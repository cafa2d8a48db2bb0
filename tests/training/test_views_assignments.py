from accounts.models import Cohort, User
from tests.support.fixtures import add_person, add_scenario, client_of
from training.models import Assignment
from training.services.assignments import assign

NEW = "/assignments/new/"


def test_search_choices_finds_counselors_and_scenarios(supervisor, counselor, stranger, chat_scenario, phone_scenario):
    client = client_of(supervisor)
    counselor.first_name, counselor.last_name = "Sam", "Okafor"
    counselor.save()

    people = client.get(f"{NEW}counselors/?find_counselors=oka").content.decode()
    scenarios = client.get(f"{NEW}scenarios/?find_scenarios=train").content.decode()

    assert str(counselor.pk) in people and "Sam Okafor" in people
    assert str(chat_scenario.pk) in scenarios and str(phone_scenario.pk) not in scenarios
    assert (
        "No matches that you haven’t already chosen."
        in client.get(f"{NEW}counselors/?find_counselors=stranger").content.decode()
    )


def test_assign_page_without_scripts_keeps_choices_during_a_search(supervisor, counselor, colleague, chat_scenario):
    data = {"counselors": counselor.pk, "scenarios": chat_scenario.pk, "find_counselors": "colleague"}

    page = client_of(supervisor).get(NEW, data).content.decode()

    assert f'value="{counselor.pk}" checked' in page
    assert f'value="{chat_scenario.pk}" checked' in page
    assert f'value="{colleague.pk}">' in page


def test_assign_page_assigns_choices_and_asks_about_completed_ones(
    organization, supervisor, counselor, colleague, chat_scenario
):
    client = client_of(supervisor)
    cohort = Cohort.objects.create(organization=organization, name="Spring class")
    cohort.counselors.add(colleague)
    completed = assign(chat_scenario, counselor, supervisor)
    Assignment.objects.filter(pk=completed.pk).update(status="completed")
    data = {"counselors": counselor.pk, "cohorts": cohort.pk, "scenarios": chat_scenario.pk, "pass_mark": 60}

    page = client.post(NEW, data).content.decode()

    assert "1 assignment created" in page and "Already completed (1)" in page and 'name="pass_mark" value="60"' in page
    assert Assignment.objects.open().get().counselor == colleague

    client.post(NEW, {"counselors": counselor.pk, "scenarios": chat_scenario.pk, "force_reassign": "on"})
    assert Assignment.objects.open().filter(counselor=counselor).count() == 1


def test_assign_page_reports_missing_counselors(supervisor, chat_scenario):
    response = client_of(supervisor).post(NEW, {"scenarios": chat_scenario.pk})

    assert response.status_code == 200
    assert response.context["form"].errors == {
        "counselors": ["Choose at least one counselor, or a cohort that has counselors."]
    }


def test_assignment_list_filters_by_name_status_and_cohort(
    organization, supervisor, counselor, colleague, chat_scenario
):
    client = client_of(supervisor)
    mine, theirs = assign(chat_scenario, counselor, supervisor), assign(chat_scenario, colleague, supervisor)
    Assignment.objects.filter(pk=theirs.pk).update(due_date="2020-01-01")
    cohort = Cohort.objects.create(organization=organization, name="Spring class")
    cohort.counselors.add(counselor)

    def list_ids(query: str) -> set[object]:
        return {row.pk for row in client.get(f"/assignments/{query}").context["page"]}

    assert list_ids("") == {mine.pk, theirs.pk}
    assert list_ids("?status=overdue") == list_ids("?q=colleague") == {theirs.pk}
    assert list_ids(f"?cohort={cohort.pk}") == {mine.pk}
    assert list_ids("?cohort=nothing") == {mine.pk, theirs.pk}


def test_assignment_list_needs_the_same_queries_for_any_number_of_rows(
    organization, supervisor, chat_scenario, django_assert_num_queries
):
    client = client_of(supervisor)
    for n in range(3):
        assign(
            add_scenario(organization, f"N {n}"),
            add_person(organization, User.Role.COUNSELOR, f"{n}@x.org"),
            supervisor,
        )
    client.get("/assignments/")

    with django_assert_num_queries(4):
        client.get("/assignments/")


def test_assignment_page_resets_and_cancels(supervisor, chat_assignment):
    client = client_of(supervisor)
    Assignment.objects.update(status="in_progress")
    page = f"/assignments/{chat_assignment.pk}/"

    assert "Reset this assignment?" in client.post(f"{page}reset/").content.decode()
    client.post(f"{page}reset/", {"confirmed": "yes"})
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == "pending"
    assert "Cancel this assignment?" in client.post(f"{page}cancel/").content.decode()
    client.post(f"{page}cancel/", {"confirmed": "yes"})
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == "cancelled"
    assert "Nothing was changed" in client.post(f"{page}reset/", {"confirmed": "yes"}, follow=True).content.decode()


def test_assignment_decline_works_only_for_its_own_counselor(counselor, colleague, chat_assignment):
    path = f"/assignments/{chat_assignment.pk}/decline/"

    assert client_of(colleague).post(path).status_code == 404
    client = client_of(counselor)
    assert "It won’t count against you." in client.post(path).content.decode()
    skipped = client.post(path, {"confirmed": "yes"}, follow=True).content.decode()
    assert "Skipped. It won’t count against you" in skipped
    chat_assignment.refresh_from_db()
    assert chat_assignment.is_declined
