"""Tells `make prove`, which runs the heavy checks at full count, from `make test`."""

import os

IS_PROVE_RUN = bool(os.environ.get("STEADYLINE_PROVE"))
