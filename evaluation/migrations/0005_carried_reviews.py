"""Reviews that are carried from one version of the feedback to the next."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0004_unread_documentation")]

    operations = [
        migrations.AddField(
            "review",
            "carried_from",
            models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="evaluation.review",
            ),
        ),
    ]
