from accounts.models import User
from evaluation.models import Comment
from training.models import Session


def comment(session: Session, author: User, at_ms: int, text: str) -> Comment:
    """Say something to a moment of a call. Who asks must have been let through by `may_comment`."""
    return Comment.objects.create(
        organization_id=session.organization_id, session=session, author=author, at_ms=at_ms, text=text
    )
