"""The installation that owns the object store, and the objects that reapers found without an owner."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0008_forget_stored_secrets"),
    ]

    operations = [
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=64, verbose_name='installation id')),
                ('counter', models.PositiveBigIntegerField(default=1)),
                ('token', models.CharField(max_length=32)),
                ('adopted_files', models.JSONField(blank=True, default=list)),
                ('adopted_at', models.DateTimeField()),
                ('advanced_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='installation_once')],
            },
        ),
        migrations.CreateModel(
            name='ReapCandidate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reaper', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=300)),
                ('first_seen_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['reaper', 'first_seen_at', 'key'],
                'constraints': [models.UniqueConstraint(fields=('reaper', 'key'), name='reap_candidate_once')],
            },
        ),
    ]
