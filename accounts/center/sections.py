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
        "features",
        "settings",
        _("Features"),
        (
            Setting(
                "features",
                _("What your center uses"),
                _("A feature that is off disappears from all pages, and the API refuses it. Nothing is deleted."),
            ),
        ),
    ),
    SettingsSection(
        "policies",
        "clipboard-list",
        _("Assignments and feedback"),
        (
            Setting(
                "default_pass_mark",
                _("Pass mark of new assignments"),
                _("Score from 1 to 100. Each assignment can have another. Leave blank to accept any score."),
                _("of 100"),
            ),
            Setting(
                "default_attempts",
                _("Attempts in new assignments"),
                _("Graded attempts to reach the pass mark, from 1 to 20. Each assignment can have another number. "
                  "Leave blank for no limit."),
                _("attempts"),
            ),
            Setting(
                "default_recording",
                _("Require a recording in new assignments"),
                _("Counselors can’t decline it. Each assignment can differ."),
            ),
            Setting(
                "holds_feedback",
                _("Review feedback on assigned practice first"),
                _("It waits in Review until a person has released it. Only then does the counselor see it, and the "
                  "assignment counts it. Feedback on free practice comes at once."),
            ),
            Setting(
                "agreement_minimum",
                _("Reviews needed to show agreement"),
                _("With fewer reviews of a criterion, its figure could mean anything, so it isn’t shown. "
                  "Leave blank for the installation’s number."),
                _("reviews"),
            ),
        ),
    ),
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
