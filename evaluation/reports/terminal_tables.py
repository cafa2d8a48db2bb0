"""Tables for command output in a terminal."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from evaluation.reports.agreement import Agreement, AgreementRow


def print_agreement(console: Console, rows: Sequence[AgreementRow]) -> None:
    table = Table(_("criterion"), "n", _("agree"), _("kappa"), _("95% CI"), _("base rate"), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(row.key or row.name, *agreement_cells(row.agreement), style="" if row.key else "bold")
    console.print(table)


def agreement_cells(found: Agreement) -> list[str]:
    """Format n, raw agreement, kappa, its interval, and the base rate as table cells."""
    kappa = _("too few") if found.is_too_few else "-" if found.kappa is None else f"{found.kappa:.2f}"
    interval = "-"
    if found.low is not None and found.high is not None:
        interval = _("%(low)s to %(high)s") % {"low": f"{found.low:.2f}", "high": f"{found.high:.2f}"}
    return [str(found.n), f"{100 * found.raw:.0f}%", kappa, interval, f"{100 * found.base_rate:.0f}%"]


def print_facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for name, value in facts:
        table.add_row(name, value)
    console.print(table)
