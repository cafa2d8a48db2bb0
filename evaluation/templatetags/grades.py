"""Template filter for the letter of a score."""

from django import template

from evaluation.grading.scoring import grade_for

register = template.Library()
register.filter("grade_letter", grade_for)
