import pytest
from django.contrib import admin as django_admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.admin import TenantAdmin
from accounts.integrations.webhooks import add_webhook
from accounts.models import Account, Cohort, Organization, ProcedureDocument, User, Webhook
from accounts.procedures.upload_validation import MAX_BYTES
from accounts.procedures.uploads import PREPARING_MESSAGE, upload_procedures
from evaluation.models import Evaluation
from scenarios.models import Category, Scenario, Skill
from tests.support.fixtures import PASSWORD, add_person, add_scenario, client_of
from training.models import Assignment, Session

FOREIGN_NAME = "wombat"  # occurs in every object of the other organization and nowhere else


@pytest.fixture
def foreign_rows(stranger, other_organization):
    """Create one object of each kind in the other organization."""
    account = Account.objects.create(organization=other_organization, name=f"{FOREIGN_NAME} line", number="900")
    counselor = add_person(other_organization, User.Role.COUNSELOR, f"{FOREIGN_NAME}@example.net")
    category = Category.objects.create(organization=other_organization, name=f"{FOREIGN_NAME} category")
    skill = Skill.objects.create(organization=other_organization, name=f"{FOREIGN_NAME} skill")
    scenario = add_scenario(other_organization, f"{FOREIGN_NAME} scenario", account=account, category=category)
    scenario.skills.add(skill)
    document = upload_procedures(account, SimpleUploadedFile(f"{FOREIGN_NAME}.md", b"x"), stranger)
    assignment = Assignment.objects.create(
        organization=other_organization, counselor=counselor, scenario=scenario, assigned_by=stranger
    )
    session = Session.objects.create(
        organization=other_organization, counselor=counselor, kind="free_practice", mode="chat", scenario=scenario,
        status="completed", ended_at=assignment.created_at,
    )  # fmt: skip
    evaluation, _ = Evaluation.objects.queue_for(session)
    return {
        type(row): row
        for row in (account, counselor, category, skill, scenario, document, assignment, session, evaluation)
    }


def admin_url(model: type, name: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def run_action(client, model: type, action: str, *rows: object, **fields: object):
    selected = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(admin_url(model), selected | fields, follow=True)


def message_texts(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_pages_hide_rows_of_other_organizations(foreign_rows, admin, supervisor, chat_assignment, finished_chat):
    ours = [chat_assignment, chat_assignment.scenario, chat_assignment.scenario.account, finished_chat, supervisor]
    ours += [finished_chat.evaluations.get(), Category.objects.filter(organization=admin.organization).first()]
    changes = [admin_url(type(row), "change", row.pk) for row in ours]
    adds = [admin_url(model, "add") for model in (Assignment, Scenario, Account, User, Category, Skill)]
    lists = [admin_url(model) for model in foreign_rows]
    searches = [f"{path}?q={FOREIGN_NAME[:-1]}" for path in lists]

    for person in (admin, supervisor):
        client = client_of(person)
        for path in ["/", "/sessions/", "/admin/", *lists, *adds, *changes, *searches]:
            response = client.get(path)
            if response.status_code == 403:
                assert "/add/" in path
                continue
            assert response.status_code == 200, path
            body = response.content.decode()
            assert FOREIGN_NAME not in body, path
            for row in foreign_rows.values():
                assert str(row.pk) not in body or isinstance(row, Category | Skill), path


@pytest.mark.parametrize("model", [Scenario, Assignment, Session, ProcedureDocument, Evaluation, User, Account])
def test_filters_hide_rows_of_other_organizations(foreign_rows, supervisor, model):
    client = client_of(supervisor)
    other = foreign_rows[User].organization_id

    for query in (
        f"organization__id__exact={other}",
        f"organization={other}",
        f"counselor__email__contains={FOREIGN_NAME}",
    ):
        response = client.get(f"{admin_url(model)}?{query}", follow=True)
        assert FOREIGN_NAME not in response.content.decode().replace(query, "")


@pytest.mark.parametrize(
    ("model", "action"),
    [
        (Scenario, "promote_to_library"),
        (Scenario, "assign_to_counselors"),
        (Scenario, "delete_selected"),
        (Assignment, "reset"),
        (Assignment, "cancel"),
        (Session, "grade_again"),
        (ProcedureDocument, "try_again"),
        (Category, "delete_selected"),
    ],
)
def test_actions_leave_other_organizations_unchanged(foreign_rows, supervisor, counselor, model, action):
    row = foreign_rows[model]
    Scenario.objects.update(is_one_time=True)
    Assignment.objects.update(status="in_progress")
    ProcedureDocument.objects.update(status="failed")
    before = model.objects.filter(pk=row.pk).values().get()

    run_action(
        client_of(supervisor),
        model,
        action,
        row,
        post="yes",
        confirmed="yes",
        assign="Assign",
        counselors=[str(counselor.pk)],
    )

    assert model.objects.filter(pk=row.pk).values().get() == before
    assert Assignment.objects.count() == Evaluation.objects.count() == 1


def test_assign_action_offers_only_own_counselors(foreign_rows, supervisor, chat_scenario, counselor):
    client = client_of(supervisor)

    form_page = run_action(client, Scenario, "assign_to_counselors", chat_scenario)
    submitted = run_action(
        client,
        Scenario,
        "assign_to_counselors",
        chat_scenario,
        assign="Assign",
        counselors=[str(foreign_rows[User].pk)],
    )

    assert counselor.email in form_page.content.decode() and FOREIGN_NAME not in form_page.content.decode()
    assert submitted.context["form"].errors.keys() == {"counselors"}
    assert Assignment.objects.filter(scenario=chat_scenario).count() == 0


def test_forms_reject_choices_of_other_organizations(foreign_rows, supervisor, counselor, chat_scenario):
    client = client_of(supervisor)
    other, ours = foreign_rows[Scenario], {"counselor": counselor.pk, "scenario": chat_scenario.pk}

    for invalid in ({"scenario": other.pk}, {"counselor": foreign_rows[User].pk}):
        response = client.post(admin_url(Assignment, "add"), ours | invalid)
        assert response.context["adminform"].form.errors.keys() == invalid.keys()
    scenario = {
        "title": "New", "mode": "chat", "difficulty": "beginner", "estimated_minutes": 10, "prompt": "You are.",
        "is_active": "on", "patience": "normal",
    }  # fmt: skip
    for invalid in (
        {"account": foreign_rows[Account].pk},
        {"category": foreign_rows[Category].pk},
        {"skills": [foreign_rows[Skill].pk]},
    ):
        response = client.post(admin_url(Scenario, "add"), scenario | invalid)
        assert response.context["adminform"].form.errors.keys() == invalid.keys()
    assert Scenario.objects.filter(title="New").count() == 0


@pytest.mark.parametrize("field", ["organization", "organization_id", "is_superuser", "is_staff", "vector_store_id"])
def test_forms_ignore_hidden_fields(foreign_rows, admin, counselor, account, field):
    client = client_of(admin)
    other = str(foreign_rows[User].organization_id)

    client.post(admin_url(Account, "change", account.pk), {"name": "New", "number": "1", field: other})
    client.post(admin_url(User, "change", counselor.pk), {"email": counselor.email, "role": "counselor", field: other})
    client.post(admin_url(Category, "add"), {"name": "Mine", field: other})

    for row in (account, counselor):
        row.refresh_from_db()
        assert row.organization_id == admin.organization_id
    assert (account.name, account.vector_store_id) == ("New", "")
    assert not counselor.is_superuser and not counselor.is_staff
    assert Category.objects.get(name="Mine").organization_id == admin.organization_id


def test_only_people_who_may_change_a_password_see_its_field(admin, supervisor, counselor):
    pages = [
        client_of(reader).get(admin_url(User, "change", counselor.pk)).content.decode()
        for reader in (admin, supervisor)
    ]

    assert [("Reset password" in page, "algorithm" in page) for page in pages] == [(True, True), (False, False)]
    assert all(counselor.email in page for page in pages)


def test_every_model_admin_is_limited_to_one_organization():
    ours = {"accounts", "scenarios", "training", "recordings", "evaluation"}
    unlimited = [
        type(registered)
        for model, registered in django_admin.site._registry.items()
        if model._meta.app_label in ours and not isinstance(registered, TenantAdmin)
    ]

    assert unlimited == []


def test_organization_admin_changes_settings_but_not_name(admin, organization, other_organization):
    client = client_of(admin)

    data = {"name": "Wombat", "keeps_sources": "on", "call_slots": "7"}
    client.post(admin_url(Organization, "change", organization.pk), data)
    client.post(admin_url(Organization, "change", other_organization.pk), data)

    assert set(Organization.objects.values_list("name", "keeps_sources", "call_slots")) == {
        ("Harbor Crisis Center", True, 7),
        ("Ridge Helpline", False, 25),
    }
    assert other_organization.name not in client.get(admin_url(Organization)).content.decode()


def test_operator_manages_every_organization(other_organization, organization):
    client = client_of(User.objects.create_superuser("operator@example.org", PASSWORD))

    client.post(admin_url(Organization, "change", other_organization.pk), {"name": "Ridge", "call_slots": "25"})

    assert set(Organization.objects.values_list("name", flat=True)) == {"Harbor Crisis Center", "Ridge", "Operators"}
    assert organization.name in client.get(admin_url(Organization)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_account_page_uploads_document(supervisor, account):
    file = SimpleUploadedFile("Harbor procedures.md", b"1010 Answer.")

    response = client_of(supervisor).post(
        admin_url(Account, "change", account.pk),
        {"name": account.name, "number": "717", "procedures_file": file},
        follow=True,
    )

    document = account.documents.get()
    assert (document.filename, document.uploaded_by, document.status) == (
        "Harbor procedures.md",
        supervisor,
        "processing",
    )
    assert str(PREPARING_MESSAGE) in message_texts(response)
    history = client_of(supervisor).get(admin_url(Account, "change", account.pk)).content.decode()
    assert "Harbor procedures.md, uploaded by supervisor@example.org. Processing." in history
    assert "None. A new document is being prepared." in history


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.exe", b"x", "Upload a PDF, TXT, or MD file."),
        ("p.pdf", b"no", "Save it as a PDF and upload it again."),
        ("p.txt", b"x" * (MAX_BYTES + 1), "This file is larger than 20 MB."),
        ("p.txt", b"", "This file is empty."),
    ],
)
def test_rejected_document_shows_reason_and_leaves_no_row(supervisor, account, name, content, message):
    response = client_of(supervisor).post(
        admin_url(Account, "change", account.pk),
        {"name": account.name, "number": "717", "procedures_file": SimpleUploadedFile(name, content)},
        follow=True,
    )

    assert message in response.content.decode()
    assert ProcedureDocument.objects.count() == 0


def test_file_name_with_markup_is_escaped(supervisor, account):
    upload_procedures(account, SimpleUploadedFile("<img src=x onerror=alert(1)>.md", b"x"), supervisor)

    body = client_of(supervisor).get(admin_url(Account, "change", account.pk)).content.decode()

    assert "<img src=x" not in body and "&lt;img src=x" in body


def test_deletion_page_omits_link_rows(admin, counselor, supervisor, organization):
    cohort = Cohort.objects.create(organization=organization, name="Spring class")
    cohort.counselors.add(counselor)
    skill = Skill.objects.create(organization=organization, name="Grief support, second part")
    add_scenario(organization, "B").skills.add(skill)

    for row, other in ((cohort, "Cohort-user relationships: 1"), (skill, "Scenario-skill relationships: 1")):
        page = client_of(admin).get(admin_url(type(row), "delete", row.pk)).content.decode()
        chosen = run_action(client_of(admin), type(row), "delete_selected", row).content.decode()

        for text in (page, chosen):
            assert str(row) in text and other in text
            assert " object (" not in text


def test_retry_action_without_failed_documents_says_so(supervisor, account):
    document = upload_procedures(account, SimpleUploadedFile("p.md", b"x"), supervisor)

    response = run_action(client_of(supervisor), ProcedureDocument, "try_again", document)

    assert message_texts(response) == ["None of the selected documents has failed."]


def test_webhook_list_shows_the_names_of_events(admin):
    webhook = add_webhook(admin, "https://learning.example.org/", ["session.completed", "evaluation.ready"])

    page = client_of(admin).get(admin_url(Webhook)).content.decode()

    assert webhook.url in page
    assert "Evaluation ready, Session completed" in page


def test_end_action_without_live_sessions_says_so(supervisor, finished_chat):
    response = run_action(client_of(supervisor), Session, "end_live", finished_chat)

    assert message_texts(response) == ["None of the selected sessions is in progress."]


def test_retry_action_queues_failed_document(supervisor, account):
    document = upload_procedures(account, SimpleUploadedFile("p.md", b"x"), supervisor)
    ProcedureDocument.objects.update(status="failed", failure="no")

    response = run_action(client_of(supervisor), ProcedureDocument, "try_again", document)

    document.refresh_from_db()
    assert (message_texts(response), document.status, document.attempts) == (
        ["1 document was queued again."],
        "processing",
        0,
    )


def test_account_form_rejects_taken_number(admin, account):
    response = client_of(admin).post(admin_url(Account, "add"), {"name": "Again", "number": "717"})

    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {"__all__": ["Another account already has this number."]}


def test_user_form_adds_people_to_own_organization(admin):
    fields = {"email": "new@example.org", "role": "evaluator", "usable_password": "true"}

    client_of(admin).post(admin_url(User, "add"), fields | {"password1": PASSWORD, "password2": PASSWORD})

    person = User.objects.get(email="new@example.org")
    assert (person.organization, person.role, person.is_superuser) == (admin.organization, "evaluator", False)
    assert person.check_password(PASSWORD)


def test_organization_admin_cannot_change_operator(organization, admin):
    operator = User.objects.create_superuser("root@example.org", PASSWORD, organization=organization)
    client = client_of(admin)
    new = "quite another harbor"

    client.post(f"/admin/accounts/user/{operator.pk}/password/", {"password1": new, "password2": new})
    client.post(
        admin_url(User, "change", operator.pk), {"email": "mine@example.org", "role": "admin", "is_active": "on"}
    )

    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)
    assert operator.email == "root@example.org"
