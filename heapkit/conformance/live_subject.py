# SPDX-License-Identifier: MIT
"""A heap of the running kernel under test: its files are those of this process."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from heapkit.backends.live import LiveUdmabuf, vgem
from heapkit.conformance.check import Answer, Skip, error_name
from heapkit.conformance.structs import ALLOC, request_of
from heapkit.conformance.subject import Subject, kind_of_name
from heapkit.importers import read
from heapkit.snapshot import BufferInfo, Observation

_BUFINFO: Final = Path("/sys/kernel/debug/dma_buf/bufinfo")
_HUGE_PAGES: Final = Path("/sys/kernel/mm/transparent_hugepage")
_CHILD_ENDS_S: Final = 60.0  # an emulated machine takes its time to give everything
_OF_CHILD: Final = 100  # exit statuses of the child above it are errnos


class LiveSubject(Subject):
    """A heap of :func:`heapkit.live` or :func:`heapkit.udmabuf`."""

    backend = "live"

    def __init__(self, heap: Any, heaps: Any = None) -> None:
        udmabuf = isinstance(heap, LiveUdmabuf)
        super().__init__(heap, kind="udmabuf" if udmabuf else kind_of_name(heap.name))
        self._heaps = heaps

    def numbers(self) -> frozenset[int]:
        """The open descriptors; the one that lists them is gone again."""
        numbers = (int(entry.name) for entry in Path("/proc/self/fd").iterdir())
        return frozenset(number for number in numbers if _is_open(number))

    def close_number(self, number: int, /) -> None:
        """Close the descriptor, if it is still open."""
        with suppress(OSError):
            os.close(number)

    @contextmanager
    def no_number_left(self) -> Iterator[None]:
        """RLIMIT_NOFILE, for as short as can be, at the lowest free number."""
        free = os.open("/proc/self/status", os.O_RDONLY)
        os.close(free)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def descriptor(self, buffer: Any, /) -> int:
        """The buffer's."""
        return int(buffer.fd)

    def reopened(self, flags: int, /) -> int:
        """Through /proc: the same node, another mode."""
        fd = os.open(f"/proc/self/fd/{self.heap.fileno()}", flags | os.O_CLOEXEC)
        self.keep(_Descriptor(fd))
        return fd

    def received(self, sock: socket.socket, /) -> Any:
        """The buffer that comes through the socket."""
        if self._heaps is None:
            raise Skip("only heaps of hk.live() receive")
        return self.keep(self._heaps.receive(sock))

    def address(self, mapping: Any, /) -> int:
        """Where a mapping of this process begins."""
        return ctypes.addressof(ctypes.c_char.from_buffer(mapping))

    def bufinfo(self) -> Sequence[BufferInfo]:
        """The rows of debugfs."""
        if not os.access(_BUFINFO, os.R_OK):
            raise Skip("debugfs is not mounted, or not for this user")
        told = read(_BUFINFO)
        assert isinstance(told, Observation)
        return told.buffers

    def device_import(self, buffer: Any, /) -> Callable[[], None]:
        """By the virtual GEM driver, as the selftest does."""
        if reason := vgem.missing():
            raise Skip(reason)
        return vgem.imported(buffer.fd)

    def ask_for_everything(self, size: int, /) -> object:
        """In a child that the OOM killer takes first."""
        child = os.fork()
        if child == 0:
            os._exit(_OF_CHILD + self._ask_and_tell(size))
        status = _status_of(child)
        if os.WIFSIGNALED(status):
            return Answer(f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
        code = os.WEXITSTATUS(status) - _OF_CHILD
        return Answer(error_name(OSError(code, ""))) if code else None

    def _ask_and_tell(self, size: int) -> int:
        try:
            Path("/proc/self/oom_score_adj").write_text("1000")
            unguarded = {"allow_oversized": True} if self.kind != "udmabuf" else {}
            self.heap.ioctl(ALLOC, request_of(size=size), **unguarded)
        except OSError as error:
            return error.errno or errno.EIO
        except BaseException:  # noqa: BLE001 -- the child must not go on
            return errno.EPROTO
        return 0


class _Descriptor:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        os.close(self._fd)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _status_of(child: int) -> int:
    """How the child ended; one that does not is ended."""
    ends = time.monotonic() + _CHILD_ENDS_S
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError(f"the child had no answer within {_CHILD_ENDS_S:g} s")


def features(subject: LiveSubject) -> Mapping[str, bool]:
    """What the running kernel was configured with, found out by asking."""
    return {
        "sync_file": _has_sync_file(subject),
        "transparent_hugepage": _HUGE_PAGES.is_dir(),
    }


def _has_sync_file(subject: LiveSubject) -> bool:
    with subject.heap.allocate(4096) as buffer:
        try:
            buffer.export_sync_file("rw").close()
        except OSError as error:
            if error.errno == errno.ENOTTY:
                return False
            raise
    return True
