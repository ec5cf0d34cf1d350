"""The tiny task of these tests is a module beside them, for their subprocesses too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
