"""Template filter for times in a recording."""

from django import template

from evaluation.reports.talk_time import format_timecode

register = template.Library()
register.filter("clock", format_timecode)
