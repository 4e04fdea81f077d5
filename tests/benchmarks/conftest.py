"""The benchmarks' modules are found from the project's root, the reference implementation beside
its tests."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.append(str(ROOT / "tests/reference"))
