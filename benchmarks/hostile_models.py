"""All models that misbehave, one in each class or function, for ``benchmarks/hostile.py``."""

from hostile_case import ENDS, SURVIVES, good  # noqa: F401
from hostile_ends import *  # noqa: F403
from hostile_exceptions import *  # noqa: F403
from hostile_patches import *  # noqa: F403
from hostile_resources import *  # noqa: F403
from hostile_settings import *  # noqa: F403
