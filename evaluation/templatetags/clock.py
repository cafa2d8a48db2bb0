from django import template

from evaluation.talk import clock

register = template.Library()
register.filter("clock", clock)
