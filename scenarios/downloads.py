"""Downloads of scenario packs as JSON or CSV."""

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone

from accounts.models import Organization
from accounts.web.downloads import SPREADSHEET_ENCODING, stream_download
from scenarios.models import ScenarioQuerySet
from scenarios.packs.writer import write_csv, write_json
from scenarios.services.exports import export_rows

PACK_FORMATS = {"json": (write_json, "utf-8", "application/json"), "csv": (write_csv, SPREADSHEET_ENCODING, "text/csv")}
TEMPLATE_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


def pack_headers(kind: str) -> dict[str, str]:
    name = f"scenarios-{timezone.localdate():%Y-%m-%d}.{kind}"
    return {
        "Content-Type": f"{PACK_FORMATS[kind][2]}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }


def stream_pack(organization: Organization, scenarios: ScenarioQuerySet, kind: str) -> StreamingHttpResponse:
    """Return the scenarios as a downloadable file of the kind `json` or `csv`."""
    write, encoding, _ = PACK_FORMATS[kind]
    return stream_download(lambda text: write(export_rows(organization, scenarios), text), encoding, pack_headers(kind))


def send_pack_template(kind: str) -> HttpResponse:
    """Return a small example pack of the kind `json` or `csv` for download."""
    content = (settings.BASE_DIR / "fixtures" / "packs" / f"scenarios.{kind}").read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="scenarios.{kind}"'}
    return HttpResponse(content, content_type=TEMPLATE_TYPES[kind], headers=headers)
