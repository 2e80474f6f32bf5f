# SPDX-License-Identifier: MIT
"""What this machine's steps cost, measured and told with its doubts.

:func:`calibrate` times allocation, touch, mapping, synchronisation and free of the
kernel's heaps, and zeroing and cache lines of a process's own memory; least squares
take the times apart into a fixed part and parts per page, entry and line.
"""

from heapkit.calibration.machine import Machine
from heapkit.calibration.result import Calibration
from heapkit.calibration.run import calibrate
from heapkit.calibration.samples import Place, Samples

__all__ = ["Calibration", "Machine", "Place", "Samples", "calibrate"]
