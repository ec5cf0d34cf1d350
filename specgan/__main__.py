"""`python -m specgan`: the same as the command `specgan`."""

from __future__ import annotations

import sys

from specgan.cli import main

sys.exit(main())
