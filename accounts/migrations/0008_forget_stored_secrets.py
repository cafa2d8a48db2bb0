"""Deletion of stored responses that contain secrets, which are no longer kept."""

from django.db import migrations


def forget_secrets(apps, schema_editor):
    calls = apps.get_model("accounts", "IdempotentCall").objects.using(schema_editor.connection.alias)
    for name in ("secret", "token", "ticket"):
        calls.filter(body__contains=f'"{name}":').delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_organization_time_zone")]

    operations = [migrations.RunPython(forget_secrets, migrations.RunPython.noop)]
