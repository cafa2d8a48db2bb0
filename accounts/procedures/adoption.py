"""Adoption of stores and files at OpenAI that were created before resources named their installation."""

from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from accounts.models import Account, Installation, ProcedureDocument
from accounts.procedures.openai_vector_store import RemoteResource, VectorStoreClient
from accounts.web.identifiers import is_uuid


@dataclass
class RemoteClaim:
    """Resources at OpenAI that belong to rows of this database. Unnamed resources name no installation."""

    stores: list[RemoteResource] = field(default_factory=list)  # unnamed stores of our accounts
    attached: list[tuple[str, RemoteResource]] = field(default_factory=list)  # (store id, unnamed file in it)
    files: list[RemoteResource] = field(default_factory=list)  # unnamed files of our documents, in no store of ours
    others: set[str] = field(default_factory=set)  # other installations named by resources of our rows
    unneeded: int = 0  # stores and files that name this installation but that no row owns

    @property
    def is_empty(self) -> bool:
        return not (self.stores or self.attached or self.files)


def find_claim(openai: VectorStoreClient) -> RemoteClaim:
    """Return the resources that adoption would take over. Raise AIUnavailableError."""
    claim = RemoteClaim()
    stores, files = list(openai.list_stores()), list(openai.list_files())
    accounts = _known_owners(Account, stores)
    own_stores = [store for store in stores if store.owner in accounts]
    for store in own_stores:
        _sort(claim, store, claim.stores)
    adopted = set(Installation.objects.values_list("adopted_files", flat=True).first() or [])
    attached_ids = set()
    for store in own_stores:
        if store.installation not in {"", settings.INSTALLATION_ID}:
            continue
        attached = openai.list_store_files(store.id)
        documents = _known_owners(ProcedureDocument, attached)
        attached_ids |= {file.id for file in attached}
        claim.attached += [(store.id, file) for file in attached if not file.installation and file.owner in documents]
    documents = _known_owners(ProcedureDocument, files)
    for file in files:
        if file.owner in documents and file.id not in attached_ids | adopted:
            _sort(claim, file, claim.files)
    claim.unneeded = sum(
        one.installation == settings.INSTALLATION_ID and one.owner not in owners
        for listed, owners in ((stores, accounts), (files, documents))
        for one in listed
    )
    return claim


def _sort(claim: RemoteClaim, resource: RemoteResource, unnamed: list[RemoteResource]) -> None:
    if not resource.installation:
        unnamed.append(resource)
    elif resource.installation != settings.INSTALLATION_ID:
        claim.others.add(resource.installation)


def tag_claim(openai: VectorStoreClient, claim: RemoteClaim) -> None:
    """Name this installation in the claimed resources. Raise AIUnavailableError, after which a retry is safe."""
    # Files cannot be renamed, so the database row lists those that have no attributes either.
    installation = Installation.objects.get()
    installation.adopted_files = sorted({*installation.adopted_files, *(file.id for file in claim.files)})
    installation.save(update_fields=["adopted_files"])
    for store_id, file in claim.attached:
        openai.tag_attachment(store_id, file.id, UUID(file.owner))
    for store in claim.stores:
        openai.tag_store(store.id, store.owner)


def _known_owners(model: type[Account] | type[ProcedureDocument], resources: list[RemoteResource]) -> set[str]:
    """Return the owner ids that exist as rows."""
    owners = {resource.owner for resource in resources if is_uuid(resource.owner)}
    return {str(pk) for pk in model._default_manager.filter(pk__in=owners).values_list("pk", flat=True)}
