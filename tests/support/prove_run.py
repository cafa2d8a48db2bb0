"""Flag that is set for `make prove`, which runs the heavy checks in full, but not for `make test`."""

import os

IS_PROVE_RUN = bool(os.environ.get("STEADYLINE_PROVE"))
