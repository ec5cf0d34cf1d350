"""The files of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path

from specgan.evaluate.report import Results
from specgan.prepare import make_folder
from vocoder.signal.files import replacing


def card(results: Results) -> str:
    """The readable card: the line that makes it again, tables, what the figures are, more sections."""
    facts = results.facts
    parts = [f"# {facts['title']}\n"]
    if facts.get("command"):
        parts.append(f"```bash\n{facts['command']}\n```\n")
    parts.append(results.markdown())
    parts += results.sections
    notes = [f"- {metric.title}: {metric.note}" for metric in results.metrics.values() if metric.note]
    if facts.get("recogniser"):
        notes.append(f"- The recogniser is {facts['recogniser']}.")
    notes.append(f"- Waves are the 16-bit files in `sounds`, compared at {results.rate} Hz.")
    parts.append("## What the figures are\n\n" + "\n".join(notes) + "\n")
    return "\n".join(parts)


def write_card(results: Results, folder: Path) -> None:
    """Write `evaluation.json` (every utterance) and `card.md` into `folder`, each whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    make_folder(folder)
    text = json.dumps(results.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    for name, content in (("evaluation.json", text), ("card.md", card(results))):
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
