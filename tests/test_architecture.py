"""What import-linter cannot see: foreign keys, tenants, who may read, where OpenAI is known, what templates load."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from accounts.models import IdempotentCall, Organization, User

pytestmark = pytest.mark.once

ROOT = settings.BASE_DIR
LAYERS = ["accounts", "scenarios", "training", "recordings", "evaluation"]
OURS = [model for label in LAYERS for model in apps.get_app_config(label).get_models()]
PACKAGES = ["ai", *LAYERS, "voicegateway", "config"]
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

# Rows without a tenant, and why.
NO_TENANT = {Organization: "it is the tenant", IdempotentCall: "it belongs to whoever has the credentials"}

# Rows that no view reads by themselves, and through which rows they are read instead.
READ_THROUGH = {
    "accounts.IdempotentCall": "the credentials and the key of a request",
    "scenarios.ScenarioVersion": "its session",
    "scenarios.ImportRow": "its import",
    "training.TranscriptTurn": "its session",
    "training.CallTicket": "its signature; it is spent, never shown",
    "recordings.RecordingEpoch": "its recording",
    "recordings.RecordingConsent": "its session",
    "recordings.RecordingDeletion": "its recording",
    "evaluation.CriterionResult": "its evaluation",
    "evaluation.Review": "its evaluation",
    "evaluation.Scan": "its evaluation",
}
KNOW_OPENAI = {
    "accounts/openai_procedures.py",
    "evaluation/openai_grader.py",
    "scenarios/openai_generator.py",
    "training/openai_caller.py",
    "voicegateway/openai_voice.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_foreign_keys_point_down_or_sideways(model):
    own = LAYERS.index(model._meta.app_label)
    related = [
        field.related_model for field in model._meta.get_fields() if field.is_relation and not field.auto_created
    ]
    targets = {target._meta.label for target in related if target._meta.app_label in LAYERS}

    up = [label for label in targets if LAYERS.index(label.split(".")[0]) > own]

    assert up == []


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_tenants_row_carries_its_organization(model):
    if model in NO_TENANT:
        assert not any(field.name == "organization" for field in model._meta.fields)
        return

    field = model._meta.get_field("organization")

    assert field.related_model is Organization
    assert field.null is False


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_read_of_a_tenants_rows_can_start_at_for_user(model):
    has_door = hasattr(model._default_manager, "for_user")

    assert has_door != (model._meta.label in READ_THROUGH)


def test_no_view_reads_rows_without_a_door():
    """`Model.objects.all()` and the like in a view, page or API would read past the tenant."""
    reads = re.compile(r"\b([A-Z]\w+)\.objects\.(\w+)")
    doors = {"for_user", "held_by", "endable_by", "playable_by", "newest_first", "order_by", "none"}
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in SOURCES
        if path.name in {"views.py", "api.py"} or path.parent.name == "api"
        for match in reads.finditer(path.read_text())
        if match[2] not in doors
    ]

    assert found == []


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_openai_is_known_in_the_named_modules_only():
    knowing = {
        name_of(path)
        for path in SOURCES
        if any(module.split(".")[0] in {"openai", "httpx", "httpx2"} for module in imports_of(path))
    }

    assert {name for name in knowing if not name.startswith("ai/")} <= KNOW_OPENAI


def test_application_code_never_asks_whether_it_is_a_try_out():
    # The launcher is the try-out: it sets the environment, and nothing imports it.
    application = [path for path in SOURCES if not name_of(path).startswith(("config/launcher", "config/bootstrap"))]
    switch = re.compile(r"\b(is_)?(offline|demo_mode|use_(fake|mock|stand_?in)|testing)\b", re.IGNORECASE)
    asking = [
        f"{name_of(path)}: {node.id if isinstance(node, ast.Name) else node.attr}"
        for path in application
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name | ast.Attribute)
        and switch.fullmatch(node.id if isinstance(node, ast.Name) else node.attr)
    ]
    notices = [name_of(path) for path in SOURCES if re.search(r"\bsettings\.(DEMO_NOTICE|DEBUG)\b", path.read_text())]

    assert asking == []
    assert notices == ["config/context.py"]


def test_every_migration_has_a_name_that_says_something():
    own = [name for app, name in MigrationLoader(None).disk_migrations if app in LAYERS]

    assert [name for name in own if "auto_" in name or not re.fullmatch(r"\d{4}_[a-z][a-z0-9_]+", name)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_have_nothing_inline_and_nothing_from_another_site(path):
    html = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.DOTALL)

    assert re.findall(r"<style\b", html) == []
    assert [tag for tag in re.findall(r"<script\b[^>]*>", html) if " src=" not in tag and "json" not in tag] == []
    assert re.findall(r"<[^>]*\sstyle\s*=", html) == []
    assert re.findall(r"<[^>]*\son[a-z]+\s*=", html) == []
    assert re.findall(r"javascript:", html) == []
    loads = r"""(?:src|srcset|poster|action|hx-get|hx-post)\s*=\s*["'](?:https?:)?//[^"']*"""
    assert re.findall(loads, html) == []
    assert re.findall(r"""<link\b[^>]*href\s*=\s*["'](?:https?:)?//""", html) == []


SERVED = [
    path
    for folder in [ROOT / "templates" / "static", *(ROOT / package / "static" for package in LAYERS)]
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".css", ".js"}
]


@pytest.mark.parametrize("path", SERVED, ids=name_of)
def test_styles_and_scripts_load_nothing_from_another_site(path):
    text = path.read_text()

    assert re.findall(r"url\(\s*[\"']?(?:https?:)?//", text) == []
    assert re.findall(r"@import\b", text) == []
    assert re.findall(r"(?:from|import|fetch\(|import\()\s*[\"'](?:https?:)?//", text) == []
    assert re.findall(r"\beval\(|new Function\(", text) == []


def test_people_belong_to_one_organization_and_log_in_by_e_mail():
    assert User.USERNAME_FIELD == "email"
    assert User._meta.get_field("organization").null is False
