"""Validity of the generated OpenAPI schema."""

from io import StringIO

from django.core.management import call_command


def test_schema_is_valid_without_warnings():
    written = StringIO()

    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)

    assert "serviceToken" in written.getvalue()
