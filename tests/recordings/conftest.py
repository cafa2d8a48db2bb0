from collections.abc import Callable

import pytest

from tests.support.fixtures import *  # noqa: F403
from tests.support.small_disk import small_disk  # noqa: F401
from training.models import Session, TranscriptTurn


@pytest.fixture
def add_turn() -> Callable[..., TranscriptTurn]:
    """Return a function that adds a finished turn to a call, spoken by default."""

    def add_turn(session: Session, role: str, text: str, **fields: object) -> TranscriptTurn:
        number = session.turns.count() + 1
        fields = {
            "source": TranscriptTurn.Source.SPOKEN,
            "start_ms": 1000 * number,
            "end_ms": 1000 * number + 900,
        } | fields
        return TranscriptTurn.objects.create(
            organization_id=session.organization_id,
            session=session,
            role=role,
            text_generated=text,
            text_heard=text,
            item=f"item-{number}",
            after=f"item-{number - 1}" if number > 1 else "",
            revision=number,
            **fields,
        )

    return add_turn
