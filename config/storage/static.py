"""Storage of the collected static files: named after their content, compressed, and complete for this version."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Stylesheets of every page, in this order. The collected copy has them in one file, which saves three requests.
SHARED_STYLES = ("site/tokens.css", "site/frame.css", "site/controls.css", "site/content.css")
SHARED_STYLE_BUNDLE = "site/shared.css"
SOURCES_DIGEST = "sources.sha256"
SOURCE_MAP = "sourceMappingURL"
WORKLET_ADDRESS = (
    r"""(?P<matched>new URL\(\s*["'](?P<url>\.[^"']+)["']\s*,\s*import\.meta\.url\s*\))""",
    'new URL("%(url)s", import.meta.url)',
)


class ProductStaticFilesConfig(StaticFilesConfig):
    """Django's app for static files, without files that no page uses."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "*.map", "redoc", "rest_framework", "django_filters", "ext"]


def _without_source_maps(patterns: Any) -> Any:
    return tuple((kind, tuple(one for one in found if SOURCE_MAP not in one[0])) for kind, found in patterns)


class ProductStaticStorage(CompressedManifestStaticFilesStorage):
    """Storage that replaces addresses in stylesheets and modules with those of the hashed files.

    Only hashed files remain, so browsers may keep every file for a year.
    """

    support_js_module_import_aggregation = True
    keep_only_hashed_files = True
    patterns = (*_without_source_maps(ManifestStaticFilesStorage.patterns), ("*.js", (WORKLET_ADDRESS,)))

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            parts = [Path(storage.path(path)).read_bytes() for storage, path in map(paths.__getitem__, SHARED_STYLES)]
            self.delete(SHARED_STYLE_BUNDLE)
            self.save(SHARED_STYLE_BUNDLE, ContentFile(b"\n".join(parts)))
            paths = {**paths, SHARED_STYLE_BUNDLE: (self, SHARED_STYLE_BUNDLE)}
        yield from super().post_process(paths, dry_run=dry_run, **options)
        if not dry_run:
            Path(self.path(SOURCES_DIGEST)).write_text(digest_sources())


def shared_style_addresses() -> list[str]:
    """Return the addresses of the stylesheets that every page needs."""
    is_collected = isinstance(staticfiles_storage, ManifestStaticFilesStorage)
    return [staticfiles_storage.url(name) for name in ([SHARED_STYLE_BUNDLE] if is_collected else SHARED_STYLES)]


def digest_sources() -> str:
    """Return a digest of the names and contents of all static files."""
    digests: dict[str, str] = {}
    for finder in get_finders():
        for name, storage in finder.list(ProductStaticFilesConfig.ignore_patterns):
            digests.setdefault(name, sha256(Path(storage.path(name)).read_bytes()).hexdigest())
    return sha256(repr(sorted(digests.items())).encode()).hexdigest()


def static_files_version() -> str:
    """Return a value that changes with any static file, or the version of the code in development."""
    version: str = getattr(staticfiles_storage, "manifest_hash", settings.VERSION)
    return version


def are_static_files_current() -> bool:
    """Return True if the collected copy belongs to this version, or if files are served from their sources."""
    if not isinstance(staticfiles_storage, ManifestStaticFilesStorage):
        return True
    digest = Path(settings.STATIC_ROOT) / SOURCES_DIGEST
    return digest.exists() and digest.read_text() == digest_sources()


def require_current_static_files() -> None:
    """Raise ImproperlyConfigured if the static files have not been collected for this version."""
    if not are_static_files_current():
        raise ImproperlyConfigured(
            f"The static files in {settings.STATIC_ROOT} do not belong to this version. "
            "Collect them: python manage.py collectstatic --no-input"
        )
