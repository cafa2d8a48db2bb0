from django.db import migrations, models

import scenarios.models


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0003_title_key_filled")]

    operations = [
        migrations.AlterField(
            model_name="scenario",
            name="title_key",
            field=scenarios.models.TitleKeyField(editable=False, max_length=64),
        ),
        migrations.AddIndex(
            model_name="scenario",
            index=models.Index(fields=["organization", "title_key"], name="scenario_title_key"),
        ),
        migrations.AddIndex(
            model_name="scenario",
            index=models.Index(fields=["organization", "title", "id"], name="scenario_in_order"),
        ),
    ]
