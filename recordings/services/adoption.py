"""Adoption of the object store and of resources at OpenAI by this database, with a preview of what it takes over."""

from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage

from accounts.models import Installation
from accounts.procedures.adoption import RemoteClaim, find_claim, tag_claim
from accounts.procedures.openai_vector_store import VectorStoreClient, build_procedures_client
from accounts.services.ownership import (
    MARKER_KEY,
    Marker,
    claim_store,
    ownership_problem,
    read_marker,
    set_up_ownership,
)
from ai import AIUnavailableError
from recordings.services.orphans import OrphanScan


@dataclass
class AdoptionPlan:
    """State of the store and of OpenAI before an adoption."""

    problem: str | None  # why this database does not own the store
    row: Installation | None
    marker: Marker | None
    folders: int  # of audio
    orphans: int  # folders that no row needs
    foreign_folders: int  # of organizations that this database does not know
    remote: RemoteClaim | None  # None: OpenAI was left out

    @property
    def other_owners(self) -> set[str]:
        """Other installations that the row or the marker names."""
        names = {self.row.name if self.row else "", self.marker.installation if self.marker else ""}
        return names - {"", settings.INSTALLATION_ID}

    @property
    def is_done(self) -> bool:
        return self.problem is None and (self.remote is None or self.remote.is_empty)


def plan_adoption(with_openai: bool) -> AdoptionPlan:
    """Find out what an adoption would take over. Raise AIUnavailableError or an error of the store."""
    scan = OrphanScan()
    orphans = sum(1 for _folder in scan)
    remote = None
    if with_openai:
        with build_procedures_client() as client:
            remote = find_claim(VectorStoreClient(client))
    return AdoptionPlan(
        problem=ownership_problem(),
        row=Installation.objects.first(),
        marker=read_marker()[0],
        folders=scan.folders,
        orphans=orphans,
        foreign_folders=scan.foreign_folders,
        remote=remote,
    )


def adopt(plan: AdoptionPlan) -> None:
    """Claim the store, then the resources at OpenAI. Raise MarkerUnreadableError or AIUnavailableError."""
    if plan.problem:
        claim_store()
    if plan.remote and not plan.remote.is_empty:
        with build_procedures_client() as client:
            tag_claim(VectorStoreClient(client), plan.remote)


def adopt_own_folder() -> None:
    """Claim a store that no other database can use, as in the demo, whose database and files are in one folder."""
    if not set_up_ownership():
        return
    claim_store()
    with suppress(AIUnavailableError), build_procedures_client() as client:  # if it fails, files are uploaded again
        tag_claim(VectorStoreClient(client), find_claim(VectorStoreClient(client)))


def release_own_folder() -> None:
    """Undo `adopt_own_folder`, so that the demo that receives a copy of this database and its files can adopt them."""
    Installation.objects.all().delete()
    default_storage.delete(MARKER_KEY)
