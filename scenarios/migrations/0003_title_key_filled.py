from django.db import migrations

from scenarios.models import title_key


def fill(apps, schema_editor):
    Scenario = apps.get_model("scenarios", "Scenario")
    for scenario in Scenario.objects.filter(title_key=None).only("pk", "title").iterator():
        Scenario.objects.filter(pk=scenario.pk).update(title_key=title_key(scenario.title))


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0002_title_key_added")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
