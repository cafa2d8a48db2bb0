import re

import pytest
from django.core import mail

from accounts.services.account_notices import AccountNotice, send_account_notice
from accounts.services.emails import Button, Email, send_email

EMAIL = Email(
    subject="Due soon: Two cups of coffee",
    paragraphs=("This assignment is due <soon>.",),
    items=("Two cups of coffee, due May 4",),
    button=Button("Start practice", "https://practice.example/?a=1&b=2"),
    closing=("You can skip it.",),
    reason="You get this email because you have an account at Harbor & Co.",
    settings_url="https://practice.example/account/notices/",
)


def html_of(message) -> str:
    [(content, mimetype)] = message.alternatives
    assert mimetype == "text/html"
    return content


def test_email_has_a_plain_text_twin():
    send_email(EMAIL, "sam@example.org", "Harbor & Co")

    [message] = mail.outbox
    assert message.body == (
        "This assignment is due <soon>.\n\n"
        "- Two cups of coffee, due May 4\n\n"
        "Start practice\nhttps://practice.example/?a=1&b=2\n\n"
        "You can skip it.\n\n"
        "--\nHarbor & Co\n"
        "You get this email because you have an account at Harbor & Co.\n"
        "Choose which emails you get\nhttps://practice.example/account/notices/\n"
    )


def test_html_escapes_its_values_and_has_one_button():
    send_email(EMAIL, "sam@example.org", "Harbor & Co")

    content = html_of(mail.outbox[0])
    assert "This assignment is due &lt;soon&gt;." in content and ">Harbor &amp; Co<" in content
    assert re.findall(r'class="button" href="([^"]*)"', content) == ["https://practice.example/?a=1&amp;b=2"]
    assert "http://" not in content and not re.search(r"<(script|img|link)", content)


def test_email_without_a_center_comes_from_steadyline():
    send_account_notice("sam@example.org", AccountNotice.EMAIL_TAKEN)

    assert ">Steadyline<" in html_of(mail.outbox[0]) and "--\nSteadyline\n" in mail.outbox[0].body


@pytest.mark.parametrize("kind", ["known", "capitals", "unknown"])
def test_password_reset_email_has_both_formats(client, counselor, kind):
    address = "nobody@example.org" if kind == "unknown" else counselor.email
    typed = address.upper() if kind == "capitals" else address

    client.post("/account/password/reset/", {"email": typed})

    [message] = mail.outbox
    assert message.to == [address]
    if kind != "unknown":
        link = re.search(r"http\S+/account/password/reset/key/\S+", message.body)[0]
        assert link in html_of(message) and f">{counselor.organization.name}<" in html_of(message)
    else:
        assert "No Steadyline account uses it" in html_of(message) and "/key/" not in message.body
