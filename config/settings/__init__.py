"""All settings, by subject. No default is meant for the demo, whose launcher exports its own values.

`environment` reads the environment variables. The other modules configure Django and its libraries with them.
"""

from config.settings.api import *
from config.settings.applications import *
from config.settings.environment import *
from config.settings.login import *
from config.settings.request_bodies import *
from config.settings.services import *
from config.settings.task_queues import *
from config.settings.web_security import *
