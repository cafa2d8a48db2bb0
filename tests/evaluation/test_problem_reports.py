from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import UsageCount
from accounts.services.rate_limits import RateLimitExceededError
from evaluation.models import Flag
from evaluation.services.alerts import send_report_alert
from evaluation.services.flags import report_problem
from tests.support.fixtures import client_of


def test_problem_report_reaches_supervisors(supervisor, admin, counselor, finished_chat):
    client = client_of(counselor)

    client.post(f"/sessions/{finished_chat.pk}/report/", {"kind": "wrong_guidance", "text": "It says to hang up."})
    client.post(f"/sessions/{finished_chat.pk}/report/", {"kind": "technical", "text": "No sound."})

    flags = {flag.kind: flag for flag in Flag.objects.all()}
    assert {kind: (flag.severity, flag.source, flag.reported_by) for kind, flag in flags.items()} == {
        "wrong_guidance": ("critical", "counselor", counselor),
        "technical": ("warning", "counselor", counselor),
    }
    send_report_alert(flags["wrong_guidance"].pk)
    assert [message.to for message in mail.outbox] == [[admin.email], [supervisor.email]]
    assert "It says to hang up." not in mail.outbox[0].body
    queue = client_of(supervisor).get("/flags/").content.decode()
    assert queue.index("It says to hang up.") < queue.index("No sound.")
    assert "No sound." not in client.get(f"/sessions/{finished_chat.pk}/").content.decode()


@pytest.mark.parametrize("data", [{"kind": "technical"}, {"kind": "grudge", "text": "x"}, {"text": "x"}])
def test_problem_report_requires_kind_and_text(counselor, finished_chat, data):
    page = client_of(counselor).post(f"/sessions/{finished_chat.pk}/report/", data, follow=True).content.decode()

    assert Flag.objects.count() == 0
    assert 'class="banner banner-danger"' in page


def test_problem_report_is_limited_to_ten_an_hour_and_keeps_text(counselor, finished_chat):
    for number in range(10):
        report_problem(finished_chat, counselor, "other", f"Number {number}")

    with pytest.raises(RateLimitExceededError) as error:
        report_problem(finished_chat, counselor, "other", "One more")
    page = client_of(counselor).post(
        f"/sessions/{finished_chat.pk}/report/", {"kind": "other", "text": "One more"}, follow=True
    )

    assert 3000 < error.value.retry_after <= 3600
    assert "One more" in page.content.decode()
    UsageCount.objects.update(counted_from=timezone.now() - timedelta(hours=1))
    assert report_problem(finished_chat, counselor, "other", "One more").pk
