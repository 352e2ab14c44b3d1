"""SHELL: what the C library does with freed memory, in processes that run for months and meet large bodies."""

import ctypes

# The numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 256 * 1024
_KEPT = 1024 * 1024


def give_back_memory() -> bool:
    """Have large blocks given back to the system when they are freed; returns whether the C library knows how.

    Left alone, glibc takes the largest block that was ever freed (up to 32 MiB) for an ordinary one: the next of that
    size is cut from the heap, smaller ones settle around it, and the process stays as large as it ever was.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, which keeps house by itself
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT))
