"""Messages about rate limits that are used up: what happened, and what was kept. The waiting time is appended."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import ngettext_lazy

PERSON_TEXTS: Mapping[str, Promise] = {
    "sessions": ngettext_lazy(
        "You can start up to %(limit)s session an hour. No session was started.",
        "You can start up to %(limit)s sessions an hour. No session was started.",
        "limit",
    ),
    "messages": ngettext_lazy(
        "You can send up to %(limit)s message a minute. Your message was not sent, and the chat is kept.",
        "You can send up to %(limit)s messages a minute. Your message was not sent, and the chat is kept.",
        "limit",
    ),
    "gradings": ngettext_lazy(
        "You can request feedback up to %(limit)s time an hour. The conversation and its feedback so far are kept.",
        "You can request feedback up to %(limit)s times an hour. The conversation and its feedback so far are kept.",
        "limit",
    ),
    "drafts": ngettext_lazy(
        "You can request up to %(limit)s draft an hour. No draft was requested, and nothing was changed.",
        "You can request up to %(limit)s drafts an hour. No draft was requested, and nothing was changed.",
        "limit",
    ),
    "uploads": ngettext_lazy(
        "You can upload up to %(limit)s file an hour. This file was not saved, and nothing else was changed.",
        "You can upload up to %(limit)s files an hour. This file was not saved, and nothing else was changed.",
        "limit",
    ),
    "tickets": ngettext_lazy(
        "You can connect to a call up to %(limit)s time a minute. Everything said so far is kept.",
        "You can connect to a call up to %(limit)s times a minute. Everything said so far is kept.",
        "limit",
    ),
    "reports": ngettext_lazy(
        "You can send up to %(limit)s report an hour. This report was not sent.",
        "You can send up to %(limit)s reports an hour. This report was not sent.",
        "limit",
    ),
    "invitations": ngettext_lazy(
        "You can invite up to %(limit)s person a day. No one was invited, and your list is kept.",
        "You can invite up to %(limit)s people a day. No one was invited, and your list is kept.",
        "limit",
    ),
}

CONVERSATION_TEXTS: Mapping[str, Promise] = {
    "gradings": ngettext_lazy(
        "Feedback on one conversation can be requested again up to %(limit)s time an hour. The conversation is kept.",
        "Feedback on one conversation can be requested again up to %(limit)s times an hour. The conversation is kept.",
        "limit",
    ),
}

ORGANIZATION_TEXTS: Mapping[str, Promise] = {
    "sessions": ngettext_lazy(
        "Your center can start up to %(limit)s session an hour. No session was started.",
        "Your center can start up to %(limit)s sessions an hour. No session was started.",
        "limit",
    ),
    "messages": ngettext_lazy(
        "Your center can send up to %(limit)s message a minute. Your message was not sent, and the chat is kept.",
        "Your center can send up to %(limit)s messages a minute. Your message was not sent, and the chat is kept.",
        "limit",
    ),
    "gradings": ngettext_lazy(
        "Your center can request feedback up to %(limit)s time an hour. The conversation and its feedback so far are "
        "kept.",
        "Your center can request feedback up to %(limit)s times an hour. The conversation and its feedback so far are "
        "kept.",
        "limit",
    ),
    "drafts": ngettext_lazy(
        "Your center can request up to %(limit)s draft an hour. No draft was requested, and nothing was changed.",
        "Your center can request up to %(limit)s drafts an hour. No draft was requested, and nothing was changed.",
        "limit",
    ),
    "uploads": ngettext_lazy(
        "Your center can upload up to %(limit)s file an hour. This file was not saved, and nothing else was changed.",
        "Your center can upload up to %(limit)s files an hour. This file was not saved, and nothing else was changed.",
        "limit",
    ),
    "tickets": ngettext_lazy(
        "Your center can connect to calls up to %(limit)s time a minute. Everything said so far is kept.",
        "Your center can connect to calls up to %(limit)s times a minute. Everything said so far is kept.",
        "limit",
    ),
    "reports": ngettext_lazy(
        "Your center can send up to %(limit)s report an hour. This report was not sent.",
        "Your center can send up to %(limit)s reports an hour. This report was not sent.",
        "limit",
    ),
    "invitations": ngettext_lazy(
        "Your center can invite up to %(limit)s person a day. No one was invited, and your list is kept.",
        "Your center can invite up to %(limit)s people a day. No one was invited, and your list is kept.",
        "limit",
    ),
}
