from scenarios.models import Scenario
from tests.scenarios.admin.test_scenarios import ADD, FIELDS, change_url
from tests.support.fixtures import add_scenario, client_of

ADVICE = "/admin/scenarios/scenario/advice/"
LEAK = "You will be graded."


def test_form_shows_advice_with_passages(supervisor, organization):
    scenario = add_scenario(organization, "Night shift", prompt=f"You are Noor, 20, and afraid. {LEAK}")

    response = client_of(supervisor).get(change_url(scenario))

    (leak,) = response.context["advice"]["prompt"]
    assert leak.passage == LEAK
    assert f"<mark>{LEAK}</mark>" in response.content.decode()


def test_advice_does_not_block_saving(supervisor):
    response = client_of(supervisor).post(ADD, FIELDS | {"prompt": LEAK, "_continue": "on"}, follow=True)

    assert Scenario.objects.get().prompt == LEAK
    assert f"<mark>{LEAK}</mark>" in response.content.decode()


def test_advice_on_invalid_form_uses_typed_text(supervisor, phone_scenario):
    response = client_of(supervisor).post(change_url(phone_scenario), FIELDS | {"title": "", "prompt": LEAK})

    assert LEAK in [advice.passage for advice in response.context["advice"]["prompt"]]


def test_advice_positions_count_characters(supervisor):
    prompt = f"You are Noor \U0001f642, 20.\r\nYou are afraid.\r\n{LEAK}"

    response = client_of(supervisor).post(ADVICE, {"prompt": prompt, "evaluator_context": "- Waits.", "mode": "chat"})

    (leak,) = response.context["advice"]["prompt"]
    text = prompt.replace("\r\n", "\n")
    assert text[leak.start : leak.end] == leak.passage == LEAK
    assert response.content.decode().count('hx-swap-oob="true"') == 2


def test_advice_depends_on_mode(supervisor):
    client = client_of(supervisor)
    data = {"prompt": "You are Noor, 20, and afraid.", "evaluator_context": "- Leaves pauses."}

    found = {mode: client.post(ADVICE, data | {"mode": mode}).context["advice"] for mode in ("phone", "chat")}

    assert {mode: len(advice["evaluator_context"]) for mode, advice in found.items()} == {"phone": 0, "chat": 1}


def test_advice_ignores_empty_and_overlong_text(supervisor):
    client = client_of(supervisor)

    empty = client.post(ADVICE).context["advice"]
    overlong = client.post(ADVICE, {"prompt": "You wait. " * 1000 + LEAK}).context["advice"]

    assert empty == {"prompt": [], "evaluator_context": []}
    assert LEAK not in [advice.passage for advice in overlong["prompt"]]


def test_advice_requires_write_permission(supervisor, trainer, evaluator, counselor):
    people = (supervisor, trainer, evaluator, counselor)

    assert [client_of(person).post(ADVICE).status_code for person in people] == [200, 200, 403, 302]
    assert client_of(supervisor).get(ADVICE).status_code == 405
