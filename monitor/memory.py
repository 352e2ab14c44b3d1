"""SHELL: what the C library does with freed memory, in processes that run for months and meet large bodies."""

import ctypes

# The numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024
_KEPT = 1024 * 1024


def give_back_memory() -> bool:
    """Have memory used again, and large blocks given back to the system, when they are freed; returns whether the C
    library knows how. Called before threads are started.

    Left alone, glibc takes the largest block that was ever freed (up to 32 MiB) for an ordinary one: the next of that
    size is cut from the heap, smaller ones settle around it, and the process stays as large as it ever was. And it
    gives threads heaps of their own, up to eight a core: what one thread frees there no other takes, and among what
    lasts it stays as holes. Our threads take turns anyway, so one heap serves all of them.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, which keeps house by itself
        return False
    options = ((_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _KEPT), (_ARENA_MAX, 1))
    return all([bool(mallopt(name, value)) for name, value in options])
