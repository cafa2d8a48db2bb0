"""Handling of several flags or evaluations at once."""

from evaluation.models import Evaluation, Flag
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import client_of


def add_flag(session) -> Flag:
    return Flag.objects.create(
        organization=session.organization, session=session, kind="technical", severity="warning", note="It froze."
    )


def test_chosen_flags_get_the_same_handling(supervisor, counselor, stranger):
    first, second, third = (add_flag(add_graded_session(counselor, 80)) for _ in range(3))
    foreign = add_flag(add_graded_session(stranger, 80))
    chosen = {"flags": [first.public_id, second.public_id], "handling": "dismissed", "note": "A slow network."}

    page = client_of(supervisor).post("/flags/handle/", chosen | {"query": "severity=warning"}, follow=True)

    assert page.redirect_chain == [("/flags/?severity=warning", 302)]
    assert "2 flags were handled." in page.content.decode()
    handled = Flag.objects.filter(handling="dismissed")
    assert {(flag.pk, flag.handled_note, flag.handled_by) for flag in handled} == {
        (flag.pk, "A slow network.", supervisor) for flag in (first, second)
    }
    refused = client_of(supervisor).post(
        "/flags/handle/", {"flags": [third.public_id, foreign.public_id], "handling": "reviewed"}
    )
    assert refused.status_code == 302
    assert Flag.objects.filter(handling="pending").count() == 2


def test_no_chosen_flag_is_reported(supervisor):
    page = client_of(supervisor).post("/flags/handle/", {"handling": "reviewed"}, follow=True).content.decode()

    assert "Choose at least one flag." in page


def test_chosen_feedback_is_marked_as_reviewed_except_ones_own(supervisor, counselor):
    one, other = add_graded_session(counselor, 30), add_graded_session(counselor, 90)
    own = add_graded_session(supervisor, 30)
    client = client_of(supervisor)

    refused = client.post("/evaluations/looked-at/", {"evaluations": [own.evaluations.get().pk]})
    done = client.post(
        "/evaluations/looked-at/", {"evaluations": [row.evaluations.get().pk for row in (one, other)]}, follow=True
    )

    assert refused["Location"].startswith("/feedback/")
    assert "2 marked as reviewed." in done.content.decode()
    assert set(Evaluation.objects.filter(looked_at_by=supervisor)) == {one.evaluations.get(), other.evaluations.get()}


def test_release_of_held_feedback_asks_first(supervisor, counselor):
    session = add_graded_session(counselor, 70)
    Evaluation.objects.update(status="held", is_waiting=True)
    client, data = client_of(supervisor), {"evaluations": [session.evaluations.get().pk], "list": "queue"}

    question = client.post("/evaluations/looked-at/", data).content.decode()
    assert "Release 1 feedback?" in question and session.evaluations.get().is_held
    answer = client.post("/evaluations/looked-at/", data | {"confirmed": "yes"})

    assert answer["Location"] == "/reviews/?"
    assert session.evaluations.get().is_completed
