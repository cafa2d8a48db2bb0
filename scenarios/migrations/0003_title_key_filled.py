import hashlib
import unicodedata

from django.db import migrations


def title_key(title):
    """As `scenarios.models` had it when this was written."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", title).casefold()).strip()
    return hashlib.sha256(folded.encode()).hexdigest()


def fill(apps, schema_editor):
    Scenario = apps.get_model("scenarios", "Scenario")
    for scenario in Scenario.objects.filter(title_key=None).only("pk", "title").iterator():
        Scenario.objects.filter(pk=scenario.pk).update(title_key=title_key(scenario.title))


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0002_title_key_added")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
