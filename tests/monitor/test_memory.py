"""What is freed is used again or goes back to the system (glibc), whatever was freed before, and by which thread."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import ctypes, sys, threading
from pathlib import Path
from monitor.memory import give_back_memory
if not (give_back_memory() if sys.argv[1] == "yes" else True):
    sys.exit(3)
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.memset.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
"""
TAIL = """
line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
print(int(line.split()[1]) // 1024)
"""
# A block of 24 MB is freed, then one of that size is taken, a small one behind it, and the large one freed again.
SCRIPT = """
size = 24 << 20
for _ in range(2):
    block = libc.malloc(size)
    libc.memset(block, 1, size)
    behind = [libc.malloc(100_000) for _ in range(4)]
    libc.free(block)
"""
# One thread after another takes small blocks to the sum of 8 MB, and keeps no more than the last of them.
THREADS = """
size = 4_000
turns = [threading.Event() for _ in range(9)]
def work(number):
    turns[number].wait()
    blocks = [libc.malloc(size) for _ in range(2_000)]
    for block in blocks:
        libc.memset(block, 1, size)
    for block in blocks[:-1]:
        libc.free(block)
    turns[number + 1].set()
    turns[-1].wait()
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
turns[0].set()
turns[-1].wait()
"""


def megabytes(script: str, *, is_asked: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script + TAIL, "yes" if is_asked else "no"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode == 3:
        pytest.skip("not glibc")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells how large a process is")
def test_what_was_freed_is_given_back() -> None:
    assert megabytes(SCRIPT, is_asked=True) + 15 < megabytes(SCRIPT, is_asked=False)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells how large a process is")
def test_what_one_thread_freed_another_uses() -> None:
    assert megabytes(THREADS, is_asked=True) + 15 < megabytes(THREADS, is_asked=False)
