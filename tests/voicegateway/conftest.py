from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.standins.openai.standin_process import StandinProcess
from tests.support.fixtures import *  # noqa: F403
from tests.support.small_disk import small_disk  # noqa: F401
from tests.voicegateway.gateway_process import GatewayProcess

FAST_STANDIN_OPTIONS = ["--answer-delay=0.05", "--transcript-delay=0.4", "--audio-speed=3", "--delta-pause=0"]


@pytest.fixture(scope="session")
def standin_process() -> Iterator[StandinProcess]:
    with StandinProcess(*FAST_STANDIN_OPTIONS) as process:
        yield process


@pytest.fixture(scope="session")
def shared_gateway(
    django_db_setup: None, standin_process: StandinProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), standin_process.base_url) as process:
        yield process
        print(process.output[-20_000:])


@pytest.fixture
def gateway(
    transactional_db: None, standin: StandinProcess, shared_gateway: GatewayProcess, settings: Any
) -> GatewayProcess:
    """Return the gateway that many tests share, on this test's database, with the stand-in as the caller."""
    settings.SPOOL_DIR = shared_gateway.spool
    return shared_gateway


@pytest.fixture
def own_gateway(
    transactional_db: None, standin: StandinProcess, tmp_path: Path, settings: Any
) -> Iterator[Callable[..., GatewayProcess]]:
    """Yield a function that starts a gateway for this test alone, to kill it or to give it its own settings."""
    with ExitStack() as running:

        def start_gateway(folder: Path = tmp_path, **options: Any) -> GatewayProcess:
            gateway = GatewayProcess(folder, standin.base_url, **options)
            settings.SPOOL_DIR = gateway.spool
            return running.enter_context(gateway)

        yield start_gateway
