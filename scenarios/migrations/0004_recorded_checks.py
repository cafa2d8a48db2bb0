"""Record of the checks that each version has been graded on, and title keys without invisible characters."""

import re

from django.db import migrations

from scenarios.models import title_key

_MOST_CHECKS, _LONGEST_CHECK = 20, 1000  # limits in force when these versions were created
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")
_SAFETY_TERMS = re.compile(
    r"\b(?:suicid\w*|safety|self-harm|danger\w*|must|always|never|emergency|weapon\w*|means)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[“\"]([^“”\"]{3,120})[”\"]")


def read_checks(evaluator_context):
    """Return the checks by the rules of that time: one for each list item, or one for a text without a list."""
    lines = evaluator_context.splitlines()
    texts = [line[found.end() :].strip() for line in lines if (found := _BULLET.match(line))]
    texts = texts or [" ".join(evaluator_context.split())]
    return [
        {
            "text": text[:_LONGEST_CHECK],
            "weight": 3 if _SAFETY_TERMS.search(text[:_LONGEST_CHECK]) else 2,
            "expected": "",
            "phrases": _QUOTED.findall(text[:_LONGEST_CHECK])[:5],
        }
        for text in texts[:_MOST_CHECKS]
        if text
    ]


def record_checks(apps, schema_editor):
    """Fill in the checks of versions that stored none. So far, grading has read these from the context."""
    versions = apps.get_model("scenarios", "ScenarioVersion").objects.using(schema_editor.connection.alias)
    unrecorded = versions.filter(checks=[]).exclude(evaluator_context="").values_list("pk", "evaluator_context")
    for pk, evaluator_context in unrecorded.iterator(chunk_size=500):
        versions.filter(pk=pk).update(checks=read_checks(evaluator_context))


def renew_title_keys(apps, schema_editor):
    scenarios = apps.get_model("scenarios", "Scenario").objects.using(schema_editor.connection.alias)
    for pk, title, key in scenarios.values_list("pk", "title", "title_key").iterator(chunk_size=2000):
        if not title.isascii() and title_key(title) != key:
            scenarios.filter(pk=pk).update(title_key=title_key(title))


class Migration(migrations.Migration):
    dependencies = [("scenarios", "0003_queues_and_claims")]

    operations = [
        migrations.RunPython(record_checks, migrations.RunPython.noop),
        migrations.RunPython(renew_title_keys, migrations.RunPython.noop),
    ]
