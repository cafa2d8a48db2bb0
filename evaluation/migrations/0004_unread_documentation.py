"""A record of the parts of uploaded documentation and guidelines that were not read."""

from django.db import migrations, models

UNREAD = models.JSONField(
    db_default=models.Value([], models.JSONField()),
    default=list,
    editable=False,
    help_text="Parts that could not be read, as a list of {kind, pages, count}.",
)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0003_queues_and_claims")]

    operations = [
        migrations.AddField("documentationreview", "unread", UNREAD),
        migrations.AddField("guidelines", "unread", UNREAD),
    ]
