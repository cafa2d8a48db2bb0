"""One lease for evaluations and documentation reviews, in place of claims counted by attempts."""

import django.utils.timezone
from django.db import migrations, models


def settle_finished_rows(apps, schema_editor):
    """Keep only unfinished rows claimable. Those that a worker held before the upgrade can be claimed at once."""
    alias = schema_editor.connection.alias
    evaluations = apps.get_model("evaluation", "Evaluation").objects.using(alias)
    evaluations.exclude(status__in=["queued", "running"]).update(available_at=None)
    reviews = apps.get_model("evaluation", "DocumentationReview").objects.using(alias)
    reviews.exclude(status__in=["queued", "running"]).update(available_at=None)


FENCE = models.PositiveIntegerField(default=0, editable=False)
AVAILABLE_AT = models.DateTimeField(default=django.utils.timezone.now, editable=False, null=True)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_squashed")]

    operations = [
        migrations.AddField("evaluation", "fence", FENCE),
        migrations.AddField("evaluation", "available_at", AVAILABLE_AT),
        migrations.AddField("documentationreview", "fence", FENCE),
        migrations.AddField("documentationreview", "available_at", AVAILABLE_AT),
        migrations.RunPython(settle_finished_rows, migrations.RunPython.noop),
        migrations.RemoveField("evaluation", "touched_at"),
        migrations.RemoveField("documentationreview", "touched_at"),
    ]
