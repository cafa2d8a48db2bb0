import pytest
from django.test import AsyncClient, Client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/site/frame.css", 'text/css; charset="utf-8"'),
        ("/static/evaluation/session.js", 'text/javascript; charset="utf-8"'),
        ("/static/favicon.svg", "image/svg+xml"),
    ],
)
def test_static_file_is_served_with_its_type(path, kind):
    response = Client().get(path)

    assert (response.status_code, response["Content-Type"]) == (200, kind)
    assert int(response["Content-Length"]) == len(response.content) > 0
    assert response.streaming is False


async def test_static_file_is_served_under_asgi_without_a_warning():
    response = await AsyncClient().get("/static/site/frame.css")

    assert response.status_code == 200
    assert response.content.startswith(b"")


def test_head_and_not_modified_responses_have_no_body():
    whole = Client().get("/static/site/frame.css")

    head = Client().head("/static/site/frame.css")
    unchanged = Client().get("/static/site/frame.css", headers={"If-Modified-Since": whole["Last-Modified"]})

    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", whole["Content-Length"])
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize("path", ["/static/nothing.css", "/static/../config/urls.py", "/static/%2e%2e/manage.py"])
def test_unknown_static_path_is_not_found(db, path):
    assert Client().get(path).status_code == 404
