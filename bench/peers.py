"""Peers of the benchmarks, each in a virtual environment of its own beside ours."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".venv" / "peers"


def peer_python(name: str, *packages: str) -> Path:
    """The interpreter of a peer's environment, made at the first call; `packages` are what pip installs there."""
    python = FOLDER / name / "bin" / "python"
    if not (FOLDER / name / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
        (FOLDER / name / "ready").touch()
    return python
