"""Entry point of the demo: `python -m config.launcher`."""

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from config.launcher.bootstrap import SetupError
from config.launcher.demo import exit_now, main

if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (SetupError, ImproperlyConfigured, CommandError) as error:
        sys.stderr.write(f"{error}\n")
        exit_now(1)
    except KeyboardInterrupt:
        exit_now(130)
