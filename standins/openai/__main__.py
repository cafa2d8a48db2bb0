"""Run the OpenAI stand-in until it is stopped: `python -m standins.openai --port N`."""

import argparse
import os
from dataclasses import fields
from pathlib import Path

from .http.server import serve
from .settings import Settings
from .storage.json_folder import JsonFolder


def main() -> None:
    parser = argparse.ArgumentParser(prog="standins.openai", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, required=True, help="0 picks a free port; the first line of output names it"
    )
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input closes")
    parser.add_argument("--state", type=state_folder, help="folder that keeps files and vector stores across restarts")
    for setting in fields(Settings):
        parser.add_argument(f"--{setting.name.replace('_', '-')}", type=float, default=setting.default)
    options = parser.parse_args()
    settings = Settings(**{setting.name: getattr(options, setting.name) for setting in fields(Settings)})
    try:
        serve(options.host, options.port, settings, options.state, options.exit_with_stdin)
    except OSError as error:
        parser.exit(
            1, f"standins.openai cannot listen on {options.host}:{options.port}: {os.strerror(error.errno or 0)}\n"
        )


def state_folder(path: str) -> JsonFolder:
    try:
        return JsonFolder(Path(path))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {os.strerror(error.errno or 0)}") from error


if __name__ == "__main__":
    main()
