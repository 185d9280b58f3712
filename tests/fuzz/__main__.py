"""`make fuzz`: the campaign, whole or by kind, from where it stopped; counts go to docs/reliability.md."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from fuzz import archive, kills, models, parameters, stages, tables
from mtcs.files import atomic_write

ROOT = Path(__file__).parents[2]
STATE = ROOT / "build/fuzz.json"
PAGE = ROOT / "docs/reliability.md"
MARKS = ("<!-- counts -->", "<!-- end of counts -->")
KINDS = {
    "archive": (archive.check, 100_000, "files of an archive: `.ts`, `.tsv`, tasks of two files, zips"),
    "tables": (tables.check, 12_000, "files of one's own: CSV, TSV, long tables, Parquet, `.npz`, `.arff`, folders"),
    "parameters": (parameters.check, 2_000, "parameter files"),
    "stages": (stages.check, 1_000, "files between two commands: `.npz`, `.safetensors`, CSV, JSON"),
    "models": (models.check, 5_000, "files of `mtcs fit`"),
    "kills": (kills.check, 200, "commands killed with SIGKILL"),
}
SAVE_SECONDS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=...", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="by default all")
    parser.add_argument("--inputs", type=int, help="how many of each, in place of the goal")
    parser.add_argument("--anew", action="store_true", help="forget what was tried before")
    request = parser.parse_args()
    state = {} if request.anew or not STATE.exists() else json.loads(STATE.read_text())
    for kind in request.kinds or KINDS:
        _run(kind, request.inputs or KINDS[kind][1], state)
    text = PAGE.read_text("utf-8")
    start, end = (text.index(mark) for mark in MARKS)
    with atomic_write(PAGE) as part:
        part.write_text(f"{text[:start]}{MARKS[0]}\n\n{table(state)}\n\n{text[end:]}", "utf-8")
    print(table(state))
    return any(entry["faults"] for entry in state.values())


def _run(kind: str, goal: int, state: dict) -> None:
    """Try the inputs of a kind that were not tried yet, each made from its number."""
    entry = state.setdefault(kind, {"tried": 0, "outcomes": {}, "faults": []})
    outcomes, saved = Counter(entry["outcomes"]), time.monotonic()
    while entry["tried"] < goal:
        number = entry["tried"]
        try:
            outcomes[KINDS[kind][0](number)] += 1
        except Exception as error:  # whatever a reader makes of it is what is looked for
            entry["faults"].append([number, f"{type(error).__name__}: {error}"[:300]])
            traceback.print_exc()
            print(f"{kind} {number}: a fault", file=sys.stderr, flush=True)
        entry |= {"tried": number + 1, "outcomes": dict(outcomes)}
        if entry["tried"] == goal or time.monotonic() - saved > SAVE_SECONDS:
            saved = time.monotonic()
            with atomic_write(STATE) as part:
                part.write_text(json.dumps(state, indent=1))
            print(f"{kind}: {entry['tried']:,} of {goal:,}, {len(entry['faults'])} faults", file=sys.stderr, flush=True)


def table(state: dict) -> str:
    """The counts as a table of Markdown."""
    lines = ["| inputs | tried | refused in one line | accepted and checked | faults |", "|---|---:|---:|---:|---:|"]
    for kind, (_, _, title) in KINDS.items():
        if entry := state.get(kind):
            refused = entry["outcomes"].get("refused", 0)
            accepted = sum(entry["outcomes"].values()) - refused
            shown = "" if kind == "kills" else f"{refused:,}"
            lines.append(f"| {title} | {entry['tried']:,} | {shown} | {accepted:,} | {len(entry['faults'])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
