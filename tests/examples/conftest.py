"""The examples are scripts: their modules are found from their own folder."""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path[:0] = [str(EXAMPLES / "alanine_dipeptide"), str(EXAMPLES / "toys")]
