"""Rules that import-linter cannot check: foreign keys, tenants, read access, use of OpenAI, and templates."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from accounts.models import (
    IdempotentCall,
    Installation,
    LoginAttempt,
    Organization,
    ReapCandidate,
    ScheduledRun,
    User,
)
from tests.conftest import group_of
from tests.support.urls import site_routes

ROOT = settings.BASE_DIR
LAYERS = ["accounts", "scenarios", "training", "recordings", "evaluation"]
OUR_MODELS = [model for label in LAYERS for model in apps.get_app_config(label).get_models()]
PACKAGES = ["ai", *LAYERS, "voicegateway", "config"]
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

# Models without a tenant, with the reason.
MODELS_WITHOUT_TENANT = {
    Organization: "it is the tenant",
    IdempotentCall: "it belongs to the holder of the credentials",
    LoginAttempt: "the email may belong to nobody",
    ScheduledRun: "the installation has one schedule",
    Installation: "it holds every tenant",
    ReapCandidate: "it has no owner; that is why it is listed",
}

# Models that no view queries directly, with the object or credentials through which they are read.
READ_THROUGH = {
    "accounts.UsageCount": "rate limits, which nobody reads",
    "accounts.Installation": "no view; commands and sweeps read it",
    "accounts.ReapCandidate": "no view; commands and sweeps read it",
    "accounts.IdempotentCall": "the credentials and the key of a request",
    "accounts.LoginAttempt": "the limit on logins; it is never shown",
    "accounts.ScheduledRun": "beat; it is never shown",
    "scenarios.ScenarioVersion": "its session",
    "training.CallTicket": "its signature; it is redeemed, never shown",
    "recordings.RecordingEpoch": "its recording",
}
OPENAI_MODULES = {
    "accounts/procedures/openai_vector_store.py",
    "evaluation/grading/openai_grader.py",
    "scenarios/generation/openai_generator.py",
    "training/openai_caller.py",
    "voicegateway/upstream/openai_realtime.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)
def test_foreign_keys_point_down_or_sideways(model):
    own = LAYERS.index(model._meta.app_label)
    related = [
        field.related_model for field in model._meta.get_fields() if field.is_relation and not field.auto_created
    ]
    targets = {target._meta.label for target in related if target._meta.app_label in LAYERS}

    up = [label for label in targets if LAYERS.index(label.split(".")[0]) > own]

    assert up == []


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)
def test_tenant_models_have_an_organization(model):
    if model in MODELS_WITHOUT_TENANT:
        assert not any(field.name == "organization" for field in model._meta.fields)
        return

    field = model._meta.get_field("organization")

    assert field.related_model is Organization
    assert field.null is False


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)
def test_models_have_for_user_or_are_read_through_another(model):
    has_for_user = hasattr(model._default_manager, "for_user")

    assert has_for_user != (model._meta.label in READ_THROUGH)


def test_views_read_rows_only_through_tenant_filters():
    """Reject queries such as `Model.objects.all()` in views and the API, because they bypass the tenant filter."""
    reads = re.compile(r"\b([A-Z]\w+)\.objects\.(\w+)")
    allowed_methods = {
        "for_user",
        "for_counselor",
        "warm_ups_of",
        "for_evaluations",
        "endable_by",
        "exportable_by",
        "listenable_by",
        "downloadable_by",
        "retryable_by",
        "reviewable_by",
        "shown_to",
        "playable_by",
        "newest_first",
        "order_by",
        "none",
    }
    views = [path for path in SOURCES if path.name == "views.py" or path.parent.name in {"views", "api", "center"}]
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in views
        for match in reads.finditer(path.read_text())
        if match[2] not in allowed_methods
    ]

    assert len(views) > 30
    assert found == []


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_services_and_tasks_have_no_import_cycle():
    graph = grimp.build_graph(*LAYERS, exclude_type_checking_imports=True)
    # Models of one app may refer to each other. They import no service, so no cycle can pass through them.
    modules = {module for module in graph.modules if ".models" not in module}
    imports = {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}

    order = list(TopologicalSorter(imports).static_order())  # raises CycleError, which names the cycle

    assert {"accounts.tasks", "evaluation.services.grading", "accounts.procedures.uploads"} <= set(order)


def test_models_import_no_services_or_tasks():
    graph = grimp.build_graph(*LAYERS, exclude_type_checking_imports=True)
    models = [module for module in graph.modules if ".models" in module]
    higher = re.compile(r"\w+\.(services|tasks|procedures|integrations)\b")

    found = [(one, other) for one in models for other in graph.find_modules_directly_imported_by(one)]

    assert [pair for pair in found if higher.match(pair[1])] == []


def local_imports(path: Path) -> Iterator[str]:
    """Yield the first line of each import inside a function."""
    lines = path.read_text().splitlines()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for function in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield lines[node.lineno - 1]


def test_import_inside_a_function_states_its_reason():
    reason = re.compile(r"# noqa: [\w, ]*PLC0415\s+\W*\w+")
    found = [f"{name_of(path)}: {line.strip()}" for path in SOURCES for line in local_imports(path)]

    assert [entry for entry in found if not reason.search(entry)] == []
    assert len(found) > 5


def test_only_the_named_modules_import_openai():
    importing = {
        name_of(path)
        for path in SOURCES
        if any(module.split(".")[0] in {"openai", "httpx", "httpx2"} for module in imports_of(path))
    }

    assert {name for name in importing if not name.startswith("ai/")} <= OPENAI_MODULES


def test_application_code_has_no_demo_switch():
    # The launcher is exempt because it is the demo: it sets the environment, and no application code imports it.
    application = [path for path in SOURCES if not name_of(path).startswith("config/launcher")]
    switch = re.compile(r"\b(is_)?(offline|demo_mode|use_(fake|mock|stand_?in)|testing)\b", re.IGNORECASE)
    switches = [
        f"{name_of(path)}: {node.id if isinstance(node, ast.Name) else node.attr}"
        for path in application
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name | ast.Attribute)
        and switch.fullmatch(node.id if isinstance(node, ast.Name) else node.attr)
    ]
    notices = [name_of(path) for path in SOURCES if re.search(r"\bsettings\.(DEMO_NOTICE|DEBUG)\b", path.read_text())]

    assert switches == []
    assert notices == ["config/context_processors.py", "config/pages.py"]  # the notice, and the style guide


def test_migrations_have_descriptive_names():
    own = [name for app, name in MigrationLoader(None).disk_migrations if app in LAYERS]

    assert [name for name in own if "auto_" in name or not re.fullmatch(r"\d{4}_[a-z][a-z0-9_]+", name)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_have_no_inline_code_and_load_nothing_external(path):
    html = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.DOTALL)

    if "email" not in path.parts:  # mail programs ignore linked style sheets
        # The gateway serves no files, and the policy of its page allows exactly its style.
        assert path.name == "gateway.html" or re.findall(r"<style\b", html) == []
        assert re.findall(r"<[^>]*\sstyle\s*=", html) == []
    assert [tag for tag in re.findall(r"<script\b[^>]*>", html) if " src=" not in tag and "json" not in tag] == []
    assert re.findall(r"<[^>]*\son[a-z]+\s*=", html) == []
    assert re.findall(r"javascript:", html) == []
    loads = r"""(?:src|srcset|poster|action|hx-get|hx-post)\s*=\s*["'](?:https?:)?//[^"']*"""
    assert re.findall(loads, html) == []
    assert re.findall(r"""<link\b[^>]*href\s*=\s*["'](?:https?:)?//""", html) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_scrolling_tables_are_reachable_by_keyboard(path):
    frames = re.findall(r'<div class="table-frame"[^>]*>', path.read_text())

    assert [tag for tag in frames if 'tabindex="0"' not in tag or not re.search("aria-label(ledby)?=", tag)] == []


def test_templates_name_only_urls_that_exist():
    # `{% url … as … %}` and a comparison with the current view raise no error for a URL name that no longer exists.
    names = re.compile(r"""(?:\{% url |current_view == )["']([^"']+)["']""")
    used = {name for path in TEMPLATES for name in names.findall(path.read_text())}

    assert used - {route.name for route in site_routes()} == set()
    assert len(used) > 80


SERVED_FILES = [
    path
    for folder in [ROOT / "templates" / "static", *(ROOT / package / "static" for package in LAYERS)]
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".css", ".js"}
]


@pytest.mark.parametrize("path", SERVED_FILES, ids=name_of)
def test_styles_and_scripts_load_nothing_external(path):
    text = path.read_text()

    assert re.findall(r"url\(\s*[\"']?(?:https?:)?//", text) == []
    assert re.findall(r"""@import\b(?! url\("[\w.-]+"\))""", text) == []  # a file of the same folder
    assert re.findall(r"(?:from|import|fetch\(|import\()\s*[\"'](?:https?:)?//", text) == []
    assert re.findall(r"\beval\(|new Function\(", text) == []


def test_users_belong_to_one_organization_and_log_in_by_email():
    assert User.USERNAME_FIELD == "email"
    assert User._meta.get_field("organization").null is False


def test_modules_with_module_fixtures_run_on_one_worker():
    """Check that xdist keeps such a module's tests together, so that the fixture is not set up for each of them."""
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    sharing = [
        file for file in files if re.search(r"^@pytest\.fixture\(scope=.module", (ROOT / file).read_text(), re.M)
    ]

    assert [file for file in sharing if not group_of(f"{file}::test_name")] == []
    assert len(sharing) > 3
