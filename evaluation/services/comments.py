"""Comments on moments of a call."""

from accounts.models import User
from evaluation.models import Comment
from training.models import Session


def add_comment(session: Session, author: User, at_ms: int, text: str) -> Comment:
    """Add a comment at `at_ms` of the recording. The view must check `author.may_comment` first."""
    return Comment.objects.create(
        organization_id=session.organization_id, session=session, author=author, at_ms=at_ms, text=text
    )
