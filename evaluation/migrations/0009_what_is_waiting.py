from django.db import migrations


def fill(apps, schema_editor):
    evaluations = apps.get_model("evaluation", "Evaluation")
    open_ones = evaluations.objects.filter(looked_at=None, status__in=["completed", "held"]).exclude(needs_person=[])
    open_ones.update(is_waiting=True)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0008_waiting_and_order")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
