from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0001_initial")]

    operations = [
        migrations.AddConstraint(
            model_name="session",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "trial"), ("status", "active")),
                fields=("counselor", "scenario", "mode"),
                name="one_live_trial_of_a_scenario_each",
            ),
        ),
    ]
