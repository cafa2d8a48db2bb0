from tests.support.fixtures import client_of


def test_me_api_reads_user_and_updates_email_notifications(counselor):
    client = client_of(counselor)

    refused = client.patch(
        "/api/me/", {"mail_due_soon": False, "email": "x@example.org", "role": "admin"}, content_type="application/json"
    )
    changed = client.patch("/api/me/", {"mail_due_soon": False}, content_type="application/json")

    counselor.refresh_from_db()
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"email", "role"})
    assert (changed.status_code, changed.json()["role"], changed.json()["mail_due_soon"]) == (200, "counselor", False)
    assert (counselor.email, counselor.mail_due_soon) == ("counselor@example.org", False)
