"""Confirmation of procedure documents by a person, and a record of the parts that were not read."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

UNREAD = models.JSONField(
    db_default=models.Value([], models.JSONField()),
    default=list,
    editable=False,
    help_text="Parts that could not be read, as a list of {kind, pages, count}.",
)
NOTE = models.CharField(
    blank=True,
    db_default="",
    default="",
    help_text="Why a person decided to use this document in spite of its warning.",
    max_length=500,
    verbose_name="confirmation",
)
CONFIRMED_BY = models.ForeignKey(
    blank=True,
    null=True,
    on_delete=django.db.models.deletion.PROTECT,
    related_name="+",
    to=settings.AUTH_USER_MODEL,
    verbose_name="confirmed by",
)
STATUS = models.CharField(
    choices=[
        ("processing", "Processing"),
        ("unconfirmed", "Needs confirmation"),
        ("ready", "Ready"),
        ("failed", "Failed"),
    ],
    default="processing",
    max_length=20,
    verbose_name="status",
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_queues_and_claims")]

    operations = [
        migrations.AddField("proceduredocument", "unread", UNREAD),
        migrations.AddField("proceduredocument", "confirmation_note", NOTE),
        migrations.AddField("proceduredocument", "confirmed_by", CONFIRMED_BY),
        migrations.AddField(
            "proceduredocument",
            "confirmed_at",
            models.DateTimeField(blank=True, null=True, verbose_name="confirmed at"),
        ),
        migrations.AlterField("proceduredocument", "status", STATUS),
    ]
