"""The examples are scripts: their modules are found from their own folder."""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FOLDERS = [EXAMPLES / name for name in ("alanine_dipeptide", "peptides", "toys")]
sys.path[:0] = [str(folder) for folder in (*FOLDERS, Path(__file__).parents[1] / "reference")]
