"""Peers of the benchmarks, each in a virtual environment of its own under .bench/peers, made when first needed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parent.parent / ".bench"


def peer_python(name: str, *packages: str) -> Path:
    """The interpreter of a peer's environment, made at the first call; `packages` are what pip installs there."""
    folder = KEPT / "peers" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"setting up the peer {name} in {folder} (once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run(
            [python, "-I", "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages], check=True
        )
        (folder / "ready").touch()
    return python


def run_peer(python: Path, code: str, *arguments: str) -> Any:
    """Run a peer's script in its environment; what it prints last is its answer, as JSON."""
    done = subprocess.run([python, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
