"""The lease of recordings, in place of a claim by fence and time of last renewal."""

import django.utils.timezone
from django.db import migrations, models


def settle_finished_rows(apps, schema_editor):
    """Keep only unfinished rows claimable. Those that a worker held before the upgrade can be claimed at once."""
    alias = schema_editor.connection.alias
    recordings = apps.get_model("recordings", "Recording").objects.using(alias)
    recordings.exclude(state__in=["recording", "processing"]).update(available_at=None)


FENCE = models.PositiveIntegerField(default=0, editable=False)
AVAILABLE_AT = models.DateTimeField(default=django.utils.timezone.now, editable=False, null=True)


class Migration(migrations.Migration):
    dependencies = [("recordings", "0001_squashed")]

    operations = [
        migrations.AlterField("recording", "attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
        migrations.AddField("recording", "available_at", AVAILABLE_AT),
        migrations.RunPython(settle_finished_rows, migrations.RunPython.noop),
        migrations.RemoveField("recording", "touched_at"),
    ]
