from uuid import uuid4

from django.db import migrations, models
from django.utils import timezone


def fill(apps, schema_editor):
    """Flags know their session, sessions and assignments their score; nobody is written to about what is long there."""
    flags, evaluations = apps.get_model("evaluation", "Flag"), apps.get_model("evaluation", "Evaluation")
    sessions, assignments = apps.get_model("training", "Session"), apps.get_model("training", "Assignment")
    of_its_evaluation = evaluations.objects.filter(pk=models.OuterRef("evaluation")).values("session")[:1]
    flags.objects.filter(session=None).update(session=models.Subquery(of_its_evaluation))
    nameless = list(flags.objects.filter(public_id=None).only("pk"))
    for flag in nameless:
        flag.public_id = uuid4()
    flags.objects.bulk_update(nameless, ["public_id"], batch_size=500)
    newest = evaluations.objects.filter(session=models.OuterRef("pk"), status="completed").order_by("-version")
    counted = newest.annotate(final=models.functions.Coalesce("reviewed_score", "score")).values("final")[:1]
    sessions.objects.filter(evaluations__status="completed").update(score=models.Subquery(counted))
    best = sessions.objects.filter(assignment=models.OuterRef("pk")).exclude(score=None).order_by("-score")
    assignments.objects.filter(sessions__score__isnull=False).update(score=models.Subquery(best.values("score")[:1]))
    now = timezone.now()
    evaluations.objects.filter(announced_at=None, completed_at__isnull=False).update(announced_at=now)
    assignments.objects.filter(announced_at=None).update(announced_at=now)


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0005_reports_disputes_and_tallies"),
        ("training", "0004_marks_scores_and_care"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
