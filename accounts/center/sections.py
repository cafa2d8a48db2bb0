"""Sections of the center's settings page. Each setting is a field of Organization; a new one needs only a line here."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Setting:
    """One setting: the field, and what it means to the people of a center."""

    field: str
    label: str | Promise
    explanation: str | Promise
    unit: str | Promise = ""  # shown after the field
    confirmation: str = ""  # field of a checkbox that appears when the change deletes something


@dataclass(frozen=True)
class SettingsSection:
    """Settings that belong together. `key` is the section's address on the page."""

    key: str
    icon: str
    title: str | Promise
    settings: tuple[Setting, ...]


SECTIONS: tuple[SettingsSection, ...] = (
    SettingsSection(
        "time",
        "globe",
        _("Time and language"),
        (
            Setting(
                "time_zone",
                _("Time zone"),
                _("Decides when a day begins: for due dates, weeks, reports, and emails."),
            ),
            Setting(
                "transcription_language",
                _("Language of calls"),
                _("The language that counselors speak. If it is set, their words are understood more reliably."),
            ),
        ),
    ),
    SettingsSection(
        "calls",
        "phone",
        _("Limits on calls"),
        (
            Setting(
                "call_slots",
                _("Calls at the same time"),
                _("Each call costs money while it lasts. When all are taken, the next counselor is asked to wait."),
                _("calls"),
            ),
        ),
    ),
    SettingsSection(
        "privacy",
        "shield-check",
        _("Recordings and privacy"),
        (
            Setting(
                "recording_days",
                _("Keep recordings for"),
                _("After this many days, a recording is deleted; its transcript and feedback stay. "
                  "Leave blank to keep recordings indefinitely. An account can have its own number of days."),
                _("days"),
                confirmation="confirmed_deletions",
            ),
            Setting(
                "keeps_sources",
                _("Keep the complaints that scenarios are drafted from"),
                _("If unchecked, a complaint is deleted when its scenario is saved."),
                confirmation="confirms_complaint_deletion",
            ),
        ),
    ),
    SettingsSection(
        "support",
        "heart",
        _("Support for counselors"),
        (
            Setting(
                "support_contacts",
                _("Who to turn to after a difficult conversation"),
                _("People, phone numbers, and hours. Shown at the end of each session."),
            ),
        ),
    ),
)  # fmt: skip

SETTINGS = {setting.field: setting for section in SECTIONS for setting in section.settings}
