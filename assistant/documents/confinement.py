"""What the child that reads files may not do, whatever a file makes of it: the kernel says no.

Parsers are told never to fetch, write or start anything. This holds where one does all the same: it gets no network,
no file to write, no program, no other process, and no more than its share of memory and time.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import resource
import select
import threading
from pathlib import Path

# A file that is read opens a few others: modules and their data.
_OPEN_FILES = 128

# What may stand in the child's environment: no key of a service, no proxy, no home folder.
_KEPT_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")

# Landlock's calls have these numbers on all processors, and came with Linux 5.13.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ASK_VERSION = 1
_NO_NEW_PRIVILEGES = 38
# What a ruleset can deny beneath a version, as bits: all that is done to files but reading them and listing folders.
_FILES_BY_VERSION = {1: 0b1_1111_1111_0011, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK = 0b11  # to bind and to connect, by TCP; since version 4
_SCOPES = 0b11  # abstract sockets and signals of other processes; since version 6


def environment() -> dict[str, str]:
    """Return the environment that the child is started with."""
    return {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}


def confine(connection: int, memory_bytes: int) -> None:
    """Give up what reading files does not need, for good.

    Args:
        connection: Descriptor of the connection to the parent; the process ends with it.
        memory_bytes: Address space that may be taken beyond what is taken now.
    """
    _deny_by_landlock()
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _lower(resource.RLIMIT_NPROC, 0)  # nor threads from here on; means nothing to root
    _limit_memory(memory_bytes)


def limit_processor_time(seconds: float) -> None:
    """End the process when it has worked this long from now, should nobody else be there to end it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (_within(math.ceil(used.ru_utime + used.ru_stime + seconds) + 1, hard), hard)
    )


def _end_with_parent(connection: int) -> None:
    """End the process when the other end of the connection is closed, even in the middle of a file."""
    watched = select.poll()
    watched.register(connection, 0)  # a hang-up is reported unasked
    watched.poll()
    os._exit(0)


def landlock_version() -> int:
    """Return which version of Landlock the kernel has; 0 where it has none."""
    if platform.system() != "Linux":
        return 0
    kernel = ctypes.CDLL(None, use_errno=True)
    return max(0, int(kernel.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)))


def _deny_by_landlock() -> None:
    """Deny writing, starting programs and the network by the kernel's Landlock; nothing happens where it is missing."""
    version = landlock_version()
    if version < 1:
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    files = sum(bits for since, bits in _FILES_BY_VERSION.items() if version >= since)
    denied = (ctypes.c_uint64 * 3)(files, _NETWORK if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = ctypes.c_size_t(8 * (1 if version < 4 else 2 if version < 6 else 3))
    ruleset = kernel.syscall(_CREATE_RULESET, denied, size, 0)
    if ruleset < 0:
        return
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _limit_memory(memory_bytes: int) -> None:
    """Bound the address space to what the process has now and `memory_bytes` more."""
    if not Path("/proc/self/statm").exists():
        return  # no Linux: the limit on time remains
    pages_in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _lower(resource.RLIMIT_AS, pages_in_use * os.sysconf("SC_PAGE_SIZE") + memory_bytes, hard_too=False)


def _lower(kind: int, limit: int, *, hard_too: bool = True) -> None:
    _, hard = resource.getrlimit(kind)
    limit = _within(limit, hard)
    resource.setrlimit(kind, (limit, limit if hard_too else hard))


def _within(limit: int, hard: int) -> int:
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)
