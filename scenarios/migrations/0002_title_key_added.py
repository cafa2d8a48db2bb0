from django.db import migrations

import scenarios.models


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="scenario",
            name="title_key",
            field=scenarios.models.TitleKeyField(editable=False, max_length=64, null=True),
        ),
    ]
