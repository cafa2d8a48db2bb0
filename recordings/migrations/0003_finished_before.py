from django.db import migrations
from django.db.models import F


def seal_what_is_finished(apps, schema_editor):
    """What was finished before gateways shipped their spools is not made again from what may still lie on a disk."""
    finished = apps.get_model("recordings", "Recording").objects.filter(state__in=["completed", "partial", "absent"])
    epochs = apps.get_model("recordings", "RecordingEpoch").objects.filter(sealed_at__isnull=True)
    epochs.filter(recording__in=finished).update(sealed_at=F("started_at"))
    finished.update(cleared_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("recordings", "0002_shipped_and_kept")]
    operations = [migrations.RunPython(seal_what_is_finished, migrations.RunPython.noop)]
