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


def test_assign_page_shows_people_and_recent_scenarios_before_typing(
    organization, supervisor, counselor, colleague, stranger
):
    old, new, never = (add_scenario(organization, title) for title in ("B", "C", "A"))
    for scenario in (old, new):
        assign(scenario, counselor, supervisor)
    Assignment.objects.filter(scenario=old).update(created_at="2020-01-01T00:00Z")

    selection = client_of(supervisor).get(NEW).context["selection"]

    assert set(selection.found_counselors) == {counselor, colleague}
    assert selection.found_scenarios == [new, old, never]
    assert [(getattr(one, "is_recent", False)) for one in selection.found_scenarios] == [True, True, False]


def test_assign_page_starts_with_the_people_of_the_address(supervisor, counselor, colleague):
    selection = client_of(supervisor).get(f"{NEW}?counselors={counselor.pk}").context["selection"]

    assert list(selection.counselors) == [counselor]
    assert selection.found_counselors == [colleague]


def test_chosen_assignments_are_canceled_or_reset_after_a_question(
    organization, supervisor, counselor, colleague, chat_scenario, phone_assignment, call
):
    client = client_of(supervisor)
    mine, theirs = assign(chat_scenario, counselor, supervisor), assign(chat_scenario, colleague, supervisor)
    data = {"assignments": [mine.pk, theirs.pk, phone_assignment.pk], "verb": "cancel", "query": "status=open"}

    assert "Cancel 3 assignments?" in client.post("/assignments/change/", data).content.decode()
    assert Assignment.objects.open().count() == 3
    page = client.post("/assignments/change/", data | {"confirmed": "yes"}, follow=True)

    assert page.redirect_chain == [("/assignments/?status=open", 302)]
    text = page.content.decode()
    assert "2 assignments were changed." in text and "1 assignment was left as it is" in text
    assert Assignment.objects.open().get() == phone_assignment

    Assignment.objects.filter(pk=mine.pk).update(status="in_progress", score=40)
    client.post("/assignments/change/", {"assignments": [mine.pk], "verb": "reset", "confirmed": "yes"})
    mine.refresh_from_db()
    assert (mine.status, mine.score) == ("pending", None)


def test_due_date_of_chosen_assignments_changes_and_reminds_anew(supervisor, stranger, chat_assignment):
    Assignment.objects.update(reminded_at="2026-01-01T00:00Z")
    data = {"assignments": [chat_assignment.pk], "verb": "due"}
    client = client_of(supervisor)

    missing = client.post("/assignments/change/", data, follow=True).content.decode()
    past = client.post("/assignments/change/", data | {"due_date": "2020-01-01"}, follow=True).content.decode()
    foreign = client_of(stranger).post("/assignments/change/", data | {"due_date": "2031-05-04"})
    assert Assignment.objects.get().due_date is None
    client.post("/assignments/change/", data | {"due_date": "2031-05-04"})

    assert "Choose the new due date." in missing and "is in the past" in past and foreign.status_code == 302
    changed = Assignment.objects.get()
    assert (str(changed.due_date), changed.reminded_at) == ("2031-05-04", None)
