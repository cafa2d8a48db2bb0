"""The attack as a process of its own, with everything that it needs to know."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Self

from tests.joint_attack.attack_client import Plan
from tests.joint_attack.centers import NoisyCenter, key_of
from tests.joint_attack.installation import Installation
from tests.voicegateway.gateway_process import ORIGIN

ROOT = Path(__file__).resolve().parents[2]


def plan_attack(site: Installation, noisy: NoisyCenter, receiver_port: int) -> Plan:
    return Plan(
        web_port=site.web.port,
        gateway_port=int(site.gateway.url.rpartition(":")[2]),
        receiver_port=receiver_port,
        origin=ORIGIN,
        flooder=key_of(noisy.flooder),
        waiting_path=f"/api/sessions/{noisy.waiting.pk}/evaluation/",
        chatters=[key_of(one) for one in noisy.chatters],
        callers=[key_of(one) for one in noisy.callers],
        importer=key_of(noisy.admin),
        chat_scenario=str(noisy.chat_scenario.pk),
        phone_scenario=str(noisy.phone_scenario.pk),
    )


class AttackProcess:
    """The attack, from the beginning to the end of a `with` block. `outcomes` counts its responses afterward."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcomes: dict[str, dict[str, int]] = {}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.joint_attack.attack_client"],
            cwd=ROOT,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin
        self.process.stdin.write(json.dumps(asdict(self.plan)) + "\n")
        self.process.stdin.flush()
        return self

    def __exit__(self, *_: object) -> None:
        output, _unused = self.process.communicate()
        self.outcomes = json.loads(output)
