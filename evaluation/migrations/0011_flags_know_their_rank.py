from django.db import migrations


def fill(apps, schema_editor):
    flags = apps.get_model("evaluation", "Flag")
    for severity, rank in (("critical", 0), ("warning", 1)):
        flags.objects.filter(severity=severity).update(rank=rank)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0010_queues_in_order")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
