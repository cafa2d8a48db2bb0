"""A pseudo-locale that marks every translated text, and searches for texts without marks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from unittest import mock

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.translation import trans_real

OPEN, CLOSE = "⟦", "⟧"

# The brand, file formats, units, and acronyms, which are the same in every language.
UNTRANSLATED_WORDS = {"Steadyline", "OpenAI", "API", "CSV", "JSON", "PDF", "WAV", "MB", "KB", "UTC", "ms", "dB", "kHz"}
# Ids, addresses, and file names: words with a digit, or with `@`, `/`, `:`, `.`, or `_` inside.
_CODE = re.compile(r"[\w+-]*(?:\d|[@/:._](?=[\w/]))[^\s⟦⟧]*")
_FIELD_NAMES = re.compile(r"^(?:[a-z_0-9]+: )+(?=⟦)")  # before the first error of a form
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]+")


def mark(message: str) -> str:
    return f"{OPEN}{message}{CLOSE}"


class MarkingTranslation(trans_real.DjangoTranslation):
    """English with marks around every message. Placeholders are unchanged."""

    def gettext(self, message: str) -> str:
        return mark(_without_context(message)) if message else ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return mark(_without_context(msgid1 if n == 1 else msgid2))


def _without_context(message: str) -> str:
    return message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]


@contextmanager
def pseudo_locale() -> Iterator[None]:
    """Mark every translated text, lazy ones included, in this thread and in threads that never activated a language."""
    marking = MarkingTranslation(settings.LANGUAGE_CODE)
    with (
        mock.patch.dict(trans_real._translations, {settings.LANGUAGE_CODE: marking}),
        mock.patch.object(trans_real, "_default", marking),
        mock.patch.object(trans_real._active, "value", marking, create=True),
    ):
        yield


def outside_marks(text: str) -> str:
    """Return the text with everything between marks cut out. A text that was cut short may lack its closing mark."""
    kept, depth = [], 0
    for part in re.split(f"([{OPEN}{CLOSE}])", text):
        if part == OPEN:
            depth += 1
        elif part == CLOSE:
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(part)
    return " ".join(kept)


def plain_words(text: str) -> list[str]:
    """Return the words of a text that are not translated. Single letters, numbers, addresses, and ids do not count."""
    return [word for word in _WORD.findall(_CODE.sub(" ", outside_marks(text))) if word not in UNTRANSLATED_WORDS]


class PageTexts(HTMLParser):
    """Texts that a page shows or reads aloud, with everything between marks cut out.

    A message may contain elements, so a mark stays open after them. The end of the element in which it was opened also
    closes it, because the message may have been cut short.
    """

    SILENT = ("script", "style", "code", "pre", "textarea", "bdi")
    VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
    SPOKEN = ("aria-label", "aria-description", "aria-valuetext", "title", "placeholder", "alt", "label", "hx-confirm")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._elements: list[str] = []
        self._opened_at: list[int] = []  # number of elements around each open mark
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        spoken = [value for name, value in attrs if name in self.SPOKEN]
        if tag == "img" and "/static/admin/" in (found.get("src") or ""):
            spoken = []  # Django itself leaves the names of its icons in English
        if tag == "input" and found.get("type") in ("submit", "button", "reset"):
            spoken.append(found.get("value"))
        self.texts += [outside_marks(value) for value in spoken if value]
        if tag not in self.VOID:
            self._elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._elements:
            return
        while self._elements.pop() != tag:
            pass
        self._opened_at = [place for place in self._opened_at if place <= len(self._elements)]

    def handle_data(self, data: str) -> None:
        if any(tag in self.SILENT for tag in self._elements):
            return
        kept = []
        for part in re.split(f"([{OPEN}{CLOSE}])", data):
            if part == OPEN:
                self._opened_at.append(len(self._elements))
            elif part == CLOSE and self._opened_at:
                self._opened_at.pop()
            elif part != CLOSE and not self._opened_at:
                kept.append(part)
        if text := " ".join(" ".join(kept).split()):
            self.texts.append(text)


def find_plain_texts(html: str) -> set[str]:
    """Return the texts of a page that have words outside of marks."""
    return {text for text in PageTexts(html).texts if plain_words(text)}


def find_plain_values(answer: Any) -> set[str]:
    """Return the strings in a JSON error that have words outside of marks. Codes and names of fields do not count."""
    if isinstance(answer, dict):
        shown = [value for name, value in answer.items() if name not in ("code", "field", "column")]
        return {text for value in shown for text in find_plain_values(value)}
    if isinstance(answer, list):
        return {text for value in answer for text in find_plain_values(value)}
    return {answer} if isinstance(answer, str) and plain_words(_FIELD_NAMES.sub("", answer)) else set()


# ---- Rows

# The texts of all rows are in full-width letters, so plain Latin letters on a page cannot come from a row.
_WIDE_LETTERS = {ord(letter): ord(letter) + 0xFEE0 for letter in map(chr, range(128)) if letter.isalpha()}
# Columns that have no choices but hold codes instead of free text.
_CODES = {
    "Account.vector_store_id", "CriterionResult.branch", "CriterionResult.key", "Evaluation.grade",
    "Evaluation.reviewed_grade", "Invitation.digest", "Recording.reason", "Scenario.title_key",
    "Session.not_gradable_reason", "Tally.skill", "TranscriptTurn.after", "TranscriptTurn.item", "User.password",
    "Webhook.secret", "Webhook.url",
}  # fmt: skip


def widen(value: Any) -> Any:
    """Return a text in full-width letters. In JSON, only texts with a space change: the others are codes."""
    if isinstance(value, dict):
        return {name: widen(one) for name, one in value.items()}
    if isinstance(value, list):
        return [widen(one) for one in value]
    return value.translate(_WIDE_LETTERS) if isinstance(value, str) and " " in value else value


def widen_rows(*app_labels: str) -> None:
    """Write the free texts of all rows in full-width letters."""
    for model in (model for label in app_labels for model in apps.get_app_config(label).get_models()):
        columns = [field for field in model._meta.concrete_fields if _holds_free_text(field)]
        for row in model._base_manager.values("pk", *(field.attname for field in columns)):
            new = {
                field.attname: widen(row[field.attname])
                if isinstance(field, models.JSONField)
                else row[field.attname].translate(_WIDE_LETTERS)
                for field in columns
            }
            model._base_manager.filter(pk=row["pk"]).update(**new)


def _holds_free_text(field: "models.Field[Any, Any]") -> bool:
    if field.choices or field.primary_key or f"{field.model.__name__}.{field.name}" in _CODES:
        return False
    is_text = isinstance(field, (models.CharField, models.TextField)) and not isinstance(field, models.EmailField)
    return is_text or isinstance(field, models.JSONField)


# ---- Scripts

# Takes the place of the catalog that `/texts.js` serves.
MARKING_CATALOG = f"""
globalThis.gettext = (message) => "{OPEN}" + message + "{CLOSE}";
globalThis.ngettext = (one, many, count) => gettext(count === 1 ? one : many);
globalThis.pgettext = (context, message) => gettext(message);
globalThis.npgettext = (context, one, many, count) => ngettext(one, many, count);
globalThis.interpolate = (text, values, isNamed) =>
  isNamed ? text.replace(/%\\((\\w+)\\)s/g, (_, name) => String(values[name]))
          : text.replace(/%s/g, () => String(values.shift()));
"""
