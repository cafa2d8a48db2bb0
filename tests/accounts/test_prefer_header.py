import pytest
from django.test import RequestFactory

from accounts.web.prefer_header import preferred_wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=10", 10),
        ("respond-async, wait=10", 10),
        ("wait = 3", 3),
        ("wait=100", 30),
        ("wait=99999", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=10", 0),
    ],
)
def test_preferred_wait_reads_whole_seconds_up_to_thirty(header, seconds):
    headers = {} if header is None else {"Prefer": header}

    assert preferred_wait(RequestFactory().get("/", headers=headers)) == seconds
