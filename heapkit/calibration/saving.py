# SPDX-License-Identifier: MIT
"""A calibration as a JSON file: facts and samples, from which all else follows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from heapkit.calibration.machine import Machine
from heapkit.calibration.samples import KINDS, STATES, Place, Samples
from heapkit.costs import Cost, Costs
from heapkit.errors import FormatError

FORMAT = "heapkit calibration 1"
Parts = tuple[Machine, tuple[Samples, ...], Costs, tuple[str, ...]]


def write(
    path: str | os.PathLike[str],
    machine: Machine,
    samples: Sequence[Samples],
    base: Costs,
    skipped: Sequence[str],
) -> None:
    """Write the file, whole or not at all: it is renamed when it is complete."""
    held = {
        "format": FORMAT,
        "machine": asdict(machine),
        "base": [asdict(cost) for cost in base.values()],
        "skipped": list(skipped),
        "samples": [_plain(s) for s in samples],
    }
    part = Path(f"{os.fspath(path)}.part")
    part.write_text(json.dumps(held) + "\n")
    part.replace(path)


def _plain(samples: Samples) -> dict[str, Any]:
    return {
        "place": samples.place.name,
        "kind": samples.place.kind,
        "operation": samples.operation,
        "state": samples.state,
        "size": samples.size,
        "ns": samples.ns.tolist(),
    }


def read(path: str | os.PathLike[str]) -> Parts:
    """What :func:`write` wrote; ``FormatError`` names what is not as it should be."""
    try:
        held = json.loads(Path(path).read_text())
    except UnicodeDecodeError:
        raise FormatError("no text", path=path) from None
    except json.JSONDecodeError as error:
        raise FormatError(error.msg, path=path, line=error.lineno) from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise FormatError(f"no {FORMAT!r}", path=path)
    try:
        return (
            _machine(held["machine"]),
            tuple(_samples(one) for one in held["samples"]),
            Costs(tuple(Cost(**cost) for cost in held["base"])),
            tuple(str(why) for why in held["skipped"]),
        )
    except KeyError as error:
        raise FormatError(f"{error} is missing", path=path) from None
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise FormatError(str(error), path=path) from None


def _machine(facts: dict[str, Any]) -> Machine:
    types = get_type_hints(Machine)
    for field in fields(Machine):
        kind = (int, float) if types[field.name] is float else types[field.name]
        if not isinstance(facts[field.name], kind):
            raise TypeError(f"machine: {field.name}={facts[field.name]!r}")
    return Machine(**facts)


def _samples(one: dict[str, Any]) -> Samples:
    ns = np.array(one["ns"], np.int64)
    if ns.ndim != 1 or not len(ns) or (ns < 0).any():
        raise ValueError("samples: ns is no list of times")
    if one["kind"] not in KINDS or one["state"] not in STATES:
        raise ValueError(f"samples: kind={one['kind']!r}, state={one['state']!r}")
    size = one["size"]
    if not isinstance(size, int) or size <= 0:
        raise ValueError(f"samples: size={size!r}")
    place = Place(str(one["place"]), one["kind"])
    return Samples(place, str(one["operation"]), one["state"], size, ns)
