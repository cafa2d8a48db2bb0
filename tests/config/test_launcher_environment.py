import pytest

from config.launcher.environment import OFFLINE_NOTICE, WITH_KEY_NOTICE, demo_environment, standin_environment


def test_secret_key_is_created_once_and_readable_only_by_its_owner(tmp_path):
    first = demo_environment(tmp_path, 8000, 8001, {})["SECRET_KEY"]
    second = demo_environment(tmp_path, 8000, 8001, {})["SECRET_KEY"]

    assert first == second
    assert len(first) >= 32
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_ports_set_the_origins_and_the_gateway_url(tmp_path):
    environment = demo_environment(tmp_path, 8100, 8201, {})

    assert environment["WEB_ORIGINS"] == "http://127.0.0.1:8100,http://localhost:8100"
    assert environment["GATEWAY_URL"] == "ws://127.0.0.1:8201"


@pytest.mark.parametrize(("key", "notice"), [("", OFFLINE_NOTICE), ("sk-mine", WITH_KEY_NOTICE)])
def test_notice_depends_on_the_openai_key(tmp_path, key, notice):
    environment = demo_environment(tmp_path, 8000, 8001, {"OPENAI_API_KEY": key})

    assert environment["DEMO_NOTICE"] == notice
    assert "OPENAI_API_KEY" not in environment


def test_stand_in_bypasses_a_proxy_and_shows_no_thinking():
    environment = standin_environment("http://127.0.0.1:4/v1", {"NO_PROXY": "intranet", "HTTP_PROXY": "http://proxy"})

    assert environment == {
        "OPENAI_API_KEY": "offline",
        "OPENAI_BASE_URL": "http://127.0.0.1:4/v1",
        "OPENAI_SEPARATES_THINKING": "true",
        "NO_PROXY": "intranet,127.0.0.1,localhost",
        "no_proxy": "intranet,127.0.0.1,localhost",
    }
