"""One lease for procedure documents and webhook deliveries, in place of two kinds of claims."""

import django.utils.timezone
from django.db import migrations, models


def settle_finished_rows(apps, schema_editor):
    """Keep only unfinished rows claimable. Those that a worker held before the upgrade can be claimed at once."""
    alias = schema_editor.connection.alias
    documents = apps.get_model("accounts", "ProcedureDocument").objects.using(alias)
    documents.exclude(status__in=["processing"]).update(available_at=None)


FENCE = models.PositiveIntegerField(default=0, editable=False)
AVAILABLE_AT = models.DateTimeField(default=django.utils.timezone.now, editable=False, null=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_drop_authtoken")]

    operations = [
        migrations.AddField("proceduredocument", "fence", FENCE),
        migrations.AddField("proceduredocument", "available_at", AVAILABLE_AT),
        migrations.RunPython(settle_finished_rows, migrations.RunPython.noop),
        migrations.RemoveField("proceduredocument", "is_claimed"),
        migrations.RemoveField("proceduredocument", "touched_at"),
        migrations.RemoveIndex("delivery", "delivery_due"),
        migrations.RenameField("delivery", "next_at", "available_at"),
        migrations.AlterField("delivery", "available_at", AVAILABLE_AT),
        migrations.AddField("delivery", "fence", FENCE),
        migrations.AddIndex(
            "delivery",
            models.Index(condition=models.Q(("delivered_at", None)), fields=["available_at"], name="delivery_due"),
        ),
    ]
