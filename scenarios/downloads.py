from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts.downloads import FOR_SPREADSHEETS, download_of
from accounts.models import Organization
from scenarios.models import ScenarioQuerySet
from scenarios.packs.writing import write_csv, write_json
from scenarios.services.exports import export_rows

FORMATS = {"json": (write_json, "utf-8", "application/json"), "csv": (write_csv, FOR_SPREADSHEETS, "text/csv")}


def pack_headers(kind: str) -> dict[str, str]:
    name = f"scenarios-{timezone.localdate():%Y-%m-%d}.{kind}"
    return {
        "Content-Type": f"{FORMATS[kind][2]}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }


def pack_of(organization: Organization, scenarios: ScenarioQuerySet, kind: str) -> StreamingHttpResponse:
    """Scenarios as a file to download, `json` or `csv`."""
    write, encoding, _ = FORMATS[kind]
    return download_of(lambda text: write(export_rows(organization, scenarios), text), encoding, pack_headers(kind))
