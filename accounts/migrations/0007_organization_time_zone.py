"""Time zone and language of each organization, with database defaults for code from before the upgrade."""

import accounts.models.organizations
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_usage_counts"),
    ]

    operations = [
        migrations.AddField(
            model_name='organization',
            name='time_zone',
            field=models.CharField(blank=True, db_default='', default='', help_text='Determines when a day begins for due dates, weeks, reports, and emails. For example, America/New_York. Leave blank to use the time zone of the installation.', max_length=64, validators=[accounts.models.organizations.validate_time_zone], verbose_name='time zone'),
        ),
        migrations.AddField(
            model_name='organization',
            name='transcription_language',
            field=models.CharField(blank=True, db_default='', default='', help_text='The language that counselors speak, such as en or es. Leave blank to detect it in each call.', max_length=3, validators=[django.core.validators.RegexValidator('\\A[a-z]{2,3}\\Z', 'Enter a language code of two or three letters, such as en.')], verbose_name='language of calls'),
        ),
    ]
