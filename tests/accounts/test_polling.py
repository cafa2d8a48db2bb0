from accounts.services.polling import wait_until


def test_wait_until_checks_at_least_once():
    calls = []

    assert wait_until(lambda: calls.append(1) or True, 0) is True
    assert wait_until(lambda: calls.append(1) or False, 0) is False
    assert len(calls) == 2
