"""Command that lists the spoken lines of the demo's past calls, for rendering them."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from evaluation.demo.conversations import read_conversations
from evaluation.demo.scripts import read_course, write_conversations
from evaluation.demo.voices import line_name, voice_of


class Command(BaseCommand):
    help = "List voice, text, and file name of every line of the demo's recorded calls as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        written = [conversation for conversation, _practice in write_conversations(read_course())]
        found = {}
        for row in [*read_conversations(), *written]:
            for role, text in row.turns if row.is_recorded else []:
                voice = voice_of(row.scenario, row.counselor, role)
                name = line_name(voice, text)
                found[name] = {"voice": voice, "text": text, "file": name}
        self.stdout.write(json.dumps(list(found.values()), ensure_ascii=False, indent=1))
