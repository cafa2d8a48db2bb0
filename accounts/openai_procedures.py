"""Files and vector stores at OpenAI. The only module here that knows OpenAI."""

import logging
from collections.abc import Callable
from pathlib import PurePosixPath

from django.conf import settings
from openai import OpenAI

from ai import AIUnavailable, build_client, in_our_words

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 60.0


def ensure_store(store_id: str) -> str:
    """The account's store: the one known when it is still there, else a new one. Raises AIUnavailable."""
    with build_client(timeout=_REQUEST_TIMEOUT) as client:
        if store_id:
            try:
                with in_our_words():
                    if client.vector_stores.retrieve(store_id).status != "expired":
                        return store_id
            except AIUnavailable as error:
                if not error.missing:
                    raise
        with in_our_words():
            return client.vector_stores.create(name="procedures").id


def add_file(store_id: str, filename: str, content: bytes) -> str:
    """Upload a file and wait until the store has it ready; its id. Raises AIUnavailable and leaves nothing then."""
    # The uploaded name is only ever text here; the ending tells OpenAI what it is.
    neutral_name = f"procedures{PurePosixPath(filename).suffix.lower()}"
    with build_client(timeout=_REQUEST_TIMEOUT) as client:
        with in_our_words():
            file_id = client.files.create(file=(neutral_name, content), purpose="assistants").id
        try:
            _attach(client, store_id, file_id)
        except AIUnavailable:
            remove_file(store_id, file_id)
            raise
    return file_id


def _attach(client: OpenAI, store_id: str, file_id: str) -> None:
    try:
        with in_our_words():
            attached = client.vector_stores.files.create_and_poll(
                file_id, vector_store_id=store_id, max_wait_seconds=settings.PROCEDURES_TIMEOUT
            )
    except TimeoutError as error:
        raise AIUnavailable("timeout", retryable=True) from error
    if attached.status != "completed":
        code = attached.last_error.code if attached.last_error else attached.status
        raise AIUnavailable(code, retryable=False)


def remove_file(store_id: str, file_id: str) -> None:
    """Take a file out of the store and out of Files; gone already is as good."""
    with build_client(timeout=_REQUEST_TIMEOUT) as client:
        _remove(file_id, lambda: client.vector_stores.files.delete(file_id, vector_store_id=store_id))
        _remove(file_id, lambda: client.files.delete(file_id))


def remove_store(store_id: str) -> None:
    with build_client(timeout=_REQUEST_TIMEOUT) as client:
        _remove(store_id, lambda: client.vector_stores.delete(store_id))


def _remove(openai_id: str, remove: Callable[[], object]) -> None:
    try:
        with in_our_words():
            remove()
    except AIUnavailable as error:
        if not error.missing:
            logger.warning("Something was left at OpenAI: %s", error.code, extra={"openai_id": openai_id})
