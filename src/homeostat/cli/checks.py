"""What `doctor` looks at: each check says what it found, whether that is good, and how to mend it."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from homeostat.config.schema import Config
from homeostat.errors import HomeostatError, PortInUse
from homeostat.gateway.server import listen
from homeostat.store import Store
