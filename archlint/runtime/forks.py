"""Whether a process that has PyTorch imported can fork."""

from __future__ import annotations

import os
import sys

FORKS = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process with PyTorch can fork; frameworks of macOS do not survive it."""
