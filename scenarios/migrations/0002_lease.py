"""One lease for drafts and imports, in place of two kinds of claims."""

import django.utils.timezone
from django.db import migrations, models


def settle_finished_rows(apps, schema_editor):
    """Keep only unfinished rows claimable. Those that a worker held before the upgrade can be claimed at once."""
    alias = schema_editor.connection.alias
    drafts = apps.get_model("scenarios", "ScenarioDraft").objects.using(alias)
    drafts.exclude(status__in=["writing"]).update(available_at=None)
    jobs = apps.get_model("scenarios", "ImportJob").objects.using(alias)
    jobs.exclude(status__in=["queued", "running"]).update(available_at=None)


FENCE = models.PositiveIntegerField(default=0, editable=False)
AVAILABLE_AT = models.DateTimeField(default=django.utils.timezone.now, editable=False, null=True)


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0001_squashed")]

    operations = [
        migrations.AddField("scenariodraft", "fence", FENCE),
        migrations.AddField("scenariodraft", "available_at", AVAILABLE_AT),
        migrations.RenameField("importjob", "claims", "fence"),
        migrations.AlterField("importjob", "fence", FENCE),
        migrations.AlterField("importjob", "attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
        migrations.AddField("importjob", "available_at", AVAILABLE_AT),
        migrations.RunPython(settle_finished_rows, migrations.RunPython.noop),
        migrations.AlterField("importjob", "available_at", models.DateTimeField(editable=False, null=True)),
        migrations.RemoveField("importjob", "touched_at"),
    ]
