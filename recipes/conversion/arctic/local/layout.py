"""CMU ARCTIC as `specgan prepare` reads it: a folder a speaker, with the text beside each recording.

Example: python layout.py cmu_arctic exp/corpus
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PROMPT = re.compile(r'\(\s*(\S+)\s+"(.*)"\s*\)')


def main(data: Path, out: Path) -> int:
    folders = sorted(data.glob("cmu_us_*_arctic"))
    if not folders:
        print(f"layout.py: {data} has no cmu_us_<speaker>_arctic", file=sys.stderr)
        return 2
    for folder in folders:
        place = out / folder.name.split("_")[2]
        place.mkdir(parents=True, exist_ok=True)
        prompts = (folder / "etc" / "txt.done.data").read_text(encoding="utf-8")
        texts = {match[1]: match[2] for match in map(PROMPT.match, prompts.splitlines()) if match}
        for sound in sorted((folder / "wav").iterdir()):
            if sound.stem in texts:
                link = place / sound.name
                link.unlink(missing_ok=True)
                link.symlink_to(sound.resolve())
                link.with_suffix(".txt").write_text(texts[sound.stem] + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
