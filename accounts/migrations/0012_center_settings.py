"""Features and policies of each organization, with database defaults for code from before the upgrade."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_invitations'),
    ]

    operations = [
        migrations.AddField(
            model_name='organization',
            name='agreement_minimum',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Reviews of a criterion that its agreement needs. Leave blank for the installation’s number.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='reviews needed to show agreement'),
        ),
        migrations.AddField(
            model_name='organization',
            name='default_attempts',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Graded attempts to reach the pass mark, from 1 to 20. Leave blank for no limit.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)], verbose_name='attempts of new assignments'),
        ),
        migrations.AddField(
            model_name='organization',
            name='default_pass_mark',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Score from 1 to 100 that completes an assignment. Leave blank to accept any score.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='pass mark of new assignments'),
        ),
        migrations.AddField(
            model_name='organization',
            name='default_recording',
            field=models.BooleanField(db_default=False, default=False, help_text='Counselors can’t decline a recording that an assignment requires.', verbose_name='require a recording in new assignments'),
        ),
        migrations.AddField(
            model_name='organization',
            name='features',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='True or false by a feature’s key. A feature that is not named has its default.', verbose_name='features'),
        ),
        migrations.AddField(
            model_name='organization',
            name='holds_feedback',
            field=models.BooleanField(db_default=False, default=False, help_text='A person reviews the feedback on assigned practice before the counselor sees it.', verbose_name='hold feedback on assigned practice'),
        ),
    ]
