"""Removal of the table and rows of `rest_framework.authtoken`. Service tokens replace its tokens."""

from django.db import migrations
from django.db.migrations.recorder import MigrationRecorder


def delete_rows_about_authtoken(apps, schema_editor):
    """Delete the content types of authtoken, the permissions that refer to them, and its migration history."""
    connection = schema_editor.connection
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(connection.alias)
    content_types.filter(app_label="authtoken").delete()
    # With these rows left, an authtoken that is installed again would get no table.
    MigrationRecorder(connection).migration_qs.filter(app="authtoken").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_squashed"),
        # Its log entries point to content types.
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        # Before the rows: PostgreSQL drops no table while deleted rows of another wait for their constraints.
        migrations.RunSQL("DROP TABLE IF EXISTS authtoken_token", migrations.RunSQL.noop),
        migrations.RunPython(delete_rows_about_authtoken, migrations.RunPython.noop),
    ]
