import django.core.validators
from django.db import migrations, models

import scenarios.models


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0005_imports_and_drafts")]

    operations = [
        migrations.AlterField(
            model_name="scenario",
            name="prompt",
            field=models.TextField(
                help_text="Who the caller is. Only the caller is given this.",
                validators=[
                    django.core.validators.MaxLengthValidator(10000),
                    scenarios.models.validate_not_blank,
                ],
            ),
        ),
    ]
