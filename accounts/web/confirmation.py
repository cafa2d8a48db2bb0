"""Confirmation pages for actions that cannot be undone. They work without scripts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString

CONFIRMED = "confirmed"  # name of the form field whose value `yes` confirms
_NOT_REPEATED = {"csrfmiddlewaretoken", CONFIRMED}


@dataclass(frozen=True)
class Question:
    """A confirmation question, worded for the person who requested the action."""

    title: str
    text: str  # the consequences
    button: str  # a verb, on the button that confirms
    back_url: str  # page for people who changed their mind


def is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get(CONFIRMED) == "yes"


def ask_first(request: HttpRequest, question: Question, template: str = "confirm.html", **context: Any) -> HttpResponse:
    """Render the question, with a form that sends the same request again, confirmed."""
    fields = [(name, value) for name, values in request.POST.lists() if name not in _NOT_REPEATED for value in values]
    return render(request, template, {"question": question, "title": question.title, "fields": fields} | context)


def ask_before_action(
    modeladmin: "ModelAdmin[Any]", request: HttpRequest, rows: Iterable[Any], title: str, text: str, button: str
) -> HttpResponse:
    """Render a confirmation question for an admin action, with a list of its rows."""
    question = Question(title, text, button, reverse(admin_urlname(modeladmin.opts, SafeString("changelist"))))
    context = modeladmin.admin_site.each_context(request) | {"opts": modeladmin.opts, "rows": rows}
    return ask_first(request, question, "admin/confirm_action.html", **context)
