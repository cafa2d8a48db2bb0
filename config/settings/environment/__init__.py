"""Settings from environment variables, complete and valid once this package is imported."""

from config.settings.environment.ai_models import *
from config.settings.environment.calls import *
from config.settings.environment.installation import *
from config.settings.environment.outgoing import *
from config.settings.environment.parser import refuse_invalid_settings
from config.settings.environment.rate_limits import *
from config.settings.environment.stores import *
from config.settings.environment.tasks import *
from config.settings.environment.web import *

refuse_invalid_settings()
