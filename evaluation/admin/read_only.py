"""Read-only administration of feedback."""

from accounts.admin import ReadOnlyAdminMixin


class FeedbackRowsMixin(ReadOnlyAdminMixin):
    """Read-only administration of rows that practice sessions create, for people who may read feedback."""

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("evaluation.view_evaluation")
