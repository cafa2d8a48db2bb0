"""Items of the bar on every page, for each role."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Feature, User

CENTER_VIEWS = (
    "accounts:people",
    "accounts:person",
    "accounts:cohort_list",
    "accounts:cohort_detail",
    "accounts:integrations",
    "accounts:token_new",
    "accounts:webhook_new",
    "accounts:webhook_detail",
    "accounts:center",
)


CONVERSATION_PAGES = (
    "evaluation:session",
    "evaluation:session_checks",
    "evaluation:session_transcript",
    "evaluation:session_documentation",
)


@dataclass(frozen=True)
class NavigationItem:
    """Item of the bar: a page, and the views during which it is marked as current."""

    label: str
    url: str
    icon: str
    is_current: bool


def navigation_for(user: User, view_name: str) -> list[NavigationItem]:
    """Return the items that `user` may open, in order. On a phone, the first four are tabs."""
    items = []
    for label, icon, views, is_allowed in _entries(user):
        if is_allowed:
            items.append(NavigationItem(label, reverse(views[0]), icon, view_name in views))
    return items


def _entries(user: User) -> list[tuple[str, str, tuple[str, ...], bool]]:
    """Return label, icon, views (the first is the item's page), and permission of every item."""
    counselor, staff = user.is_counselor, not user.is_counselor
    practices_freely = user.organization.has_feature(Feature.FREE_PRACTICE)
    return [
        (gettext("Today"), "house", ("evaluation:dashboard",), True),
        (gettext("Practice"), "phone", ("training:scenario_library",), counselor and practices_freely),
        (gettext("Progress"), "trending-up", ("evaluation:progress", "evaluation:skill_evidence"), counselor),
        (
            gettext("Team"),
            "users",
            (
                "evaluation:team",
                "evaluation:attention",
                "evaluation:live_sessions",
                "evaluation:history",
                *CONVERSATION_PAGES,
                "training:assignment_list",
                "training:assignment_detail",
                "training:assign",
            ),
            user.has_perm("training.view_assignment") and staff,
        ),
        (
            gettext("Scenarios"),
            "library",
            (
                "scenarios:scenario_list",
                "scenarios:scenario_new",
                "scenarios:scenario_edit",
                "scenarios:scenario_detail",
                "scenarios:import_new",
                "scenarios:import_detail",
                "scenarios:import_discard",
                "training:draft_new",
                "training:draft",
                "training:draft_regenerate",
                "training:draft_discard",
                "training:draft_delete_source",
            ),
            user.has_perm("scenarios.view_scenario"),
        ),
        (
            gettext("Review"),
            "list-checks",
            ("evaluation:review_queue", "evaluation:evaluation_list", "evaluation:flag_list", "evaluation:agreement"),
            user.has_perm("evaluation.add_review"),
        ),
        # The staff's conversations are a tab of Team. Trainers have only their own.
        (
            gettext("Conversations"),
            "message-circle",
            ("evaluation:history", *CONVERSATION_PAGES),
            counselor or not user.has_perm("training.view_assignment"),
        ),
        (
            gettext("Procedures"),
            "file-text",
            (
                "accounts:account_list",
                "accounts:account_detail",
                "accounts:account_new",
                "accounts:account_edit",
                "accounts:procedure_section",
                "accounts:procedure_changes",
                "accounts:procedures_upload",
            ),
            user.has_perm("accounts.view_account"),
        ),
        (gettext("Center"), "building", CENTER_VIEWS, user.has_perm("accounts.view_user") and staff),
    ]
