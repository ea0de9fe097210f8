"""The fixtures of these tests; the modules beside them, and those of the pages, can be imported."""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "docs")]

pair = import_module("filled").pair
