"""Comments on conversations, and on moments of calls."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from evaluation.models import Comment
from training.models import Session


def add_comment(session: Session, author: User, at_ms: int | None, text: str) -> Comment:
    """Add a comment at `at_ms` of the recording, or on the whole conversation if that is None.

    Raise PermissionDenied unless the author may comment on it.
    """
    if not author.may_comment or not Session.objects.for_user(author).filter(pk=session.pk).exists():
        raise PermissionDenied(_("You don’t have permission to comment."))
    return Comment.objects.create(
        organization_id=session.organization_id, session=session, author=author, at_ms=at_ms, text=text
    )
