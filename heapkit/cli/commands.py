# SPDX-License-Identifier: MIT
"""The commands: what each takes, which function it calls, what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

from heapkit import units
from heapkit.cli import (
    calibrate,
    conformance,
    doctor,
    inputs,
    introspect,
    long_replay,
    values,
)
from heapkit.cli import run as run_program
from heapkit.replay import replay
from heapkit.trace import Op

# The exit status of a command that worked and whose answer is no.
NO = 1


# --- replay ------------------------------------------------------------------


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.trace_arguments(parser)
    inputs.json_argument(parser)
    inputs.csv_argument(parser, "one row per event")
    parser.add_argument(
        "--breakdown",
        action="store_true",
        help="what the latencies are made of; in the CSV a column per constant",
    )


def _replay(args: argparse.Namespace) -> int:
    from heapkit.cli.text import run_text

    inputs.check_csv(args)
    run = replay(
        inputs.trace(args),
        inputs.board(args),
        breakdown=args.breakdown,
        progress=inputs.progress(),
    )
    if args.csv is not None:
        run.to_frame().to_csv(args.csv, index_label="event")
    summary = run.summary()
    print(json.dumps(summary, indent=2) if args.json else run_text(run, summary))
    return 0


# --- explain -----------------------------------------------------------------


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.trace_arguments(parser)
    inputs.json_argument(parser)
    parser.add_argument(
        "event", nargs="*", type=int, metavar="EVENT", help="from 0; -1 is the last"
    )
    parser.add_argument(
        "--failures", action="store_true", help="every allocation that failed"
    )


def _explain(args: argparse.Namespace) -> int:
    if bool(args.event) == args.failures:
        raise ValueError("give the numbers of events, or --failures")
    run = replay(inputs.trace(args), inputs.board(args), progress=inputs.progress())
    failed = (run["op"] == Op.ALLOC) & (run["status"] < 0)
    events = failed.nonzero()[0].tolist() if args.failures else args.event
    for event in events:
        if not -len(run) <= event < len(run):
            raise ValueError(f"EVENT {event}: the trace has {len(run)} events")
    if args.json:
        told = [
            {
                "event": event % len(run),
                "text": run.explain(event),
                "breakdown_ns": run.breakdown(event),
            }
            for event in events
        ]
        print(json.dumps(told, indent=2))
        return 0
    for event in events:
        print(run.explain(event), flush=True)
    if not events:
        print("No allocation failed.")
    return 0


# --- check -------------------------------------------------------------------


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.trace_arguments(parser)
    inputs.json_argument(parser)


def _check(args: argparse.Namespace) -> int:
    from heapkit.cli.text import findings_facts
    from heapkit.findings import coherency

    run = replay(
        inputs.trace(args),
        inputs.board(args),
        gauges=False,
        progress=inputs.progress(),
    )
    findings = coherency(run, progress=inputs.progress())
    if args.json:
        print(json.dumps(findings_facts(findings), indent=2))
    else:
        for i in range(len(findings)):
            print(findings.explain(i))
        print(findings.heading)
    return NO if findings.wrong else 0


# --- size --------------------------------------------------------------------


def _size_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.trace_arguments(parser)
    parser.add_argument(
        "--vary",
        metavar="NAME=VALUES",
        action="append",
        required=True,
        type=inputs.typed(values.choices),
        help="values to try: START:STOP:STEP, A,B,C, or ... for a range around the "
        "board's own",
    )
    parser.add_argument(
        "--failure-rate",
        metavar="SHARE",
        type=float,
        default=0.0,
        help="the share of requests that may be refused, 0 to 1 (default: 0)",
    )
    parser.add_argument(
        "--p99",
        metavar="TIME",
        type=inputs.typed(units.parse_ns),
        help="the longest 99th percentile of latency, such as 1ms",
    )
    parser.add_argument(
        "--seeds",
        type=inputs.typed(values.seeds),
        help="seeds of a workload: 1-5 (the default) or 1,2,7",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--devicetree", action="store_true", help="print only the node to paste"
    )
    form.add_argument(
        "--cmdline", action="store_true", help="print only the kernel argument"
    )
    inputs.json_argument(form)


def _size(args: argparse.Namespace) -> int:
    from heapkit import sizing
    from heapkit.cli import text

    vary = dict(args.vary)
    if len(vary) < len(args.vary):
        raise ValueError("--vary: a name is given twice")
    target = sizing.Target(failure_rate=args.failure_rate, p99_ns=args.p99)
    answer = sizing.size(
        inputs.traces(args),
        inputs.board(args),
        vary=vary,
        target=target,
        seeds=args.seeds or sizing.DEFAULT_SEEDS,
        progress=inputs.progress(),
    )
    found = answer.setting is not None
    if args.json:
        print(json.dumps(text.sizing_facts(answer), indent=2))
    elif not (args.devicetree or args.cmdline):
        print(text.sizing_text(answer))
    elif not found:
        print("heapkit:", answer, file=sys.stderr)
    elif args.devicetree:
        print(answer.to_devicetree(), end="")
    else:
        print(answer.to_cmdline())
    return 0 if found else NO


# --- read --------------------------------------------------------------------


def _read_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what a tool printed, or a trace")
    inputs.json_argument(parser)


def _read(args: argparse.Namespace) -> int:
    from heapkit.cli.text import reading_facts, reading_text
    from heapkit.importers import read

    reading = read(args.file)
    if args.json:
        print(json.dumps(reading_facts(reading), indent=2))
    else:
        print(reading_text(reading))
    return 0


# --- The table ---------------------------------------------------------------


@dataclass(frozen=True)
class _Command:
    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    takes_program: bool = False  # what follows "--" is another program's


COMMANDS = {
    "replay": _Command(
        "replay a trace on a board and print what came of it",
        "camera_boot --board phone-8g --set camera.size=64MiB --csv run.csv",
        _replay_arguments,
        _replay,
    ),
    "replay-file": _Command(
        "replay a trace of any length, and go on where it was stopped",
        "long.parquet --board phone-8g --checkpoint long.checkpoint --json",
        long_replay.add_arguments,
        long_replay.run,
    ),
    "explain": _Command(
        "say in sentences what events of a replay did, and why",
        "camera_boot --board phone-8g --set camera.size=64MiB --heap camera --failures",
        _explain_arguments,
        _explain,
    ),
    "check": _Command(
        "say where a trace's sharing of buffers leaves data stale or loses it",
        "long.parquet --board phone-8g --json",
        _check_arguments,
        _check,
    ),
    "size": _Command(
        "find the smallest setting of a board that meets a target",
        "camera_boot --board phone-8g --vary camera.size=64MiB:512MiB:16MiB",
        _size_arguments,
        _size,
    ),
    "read": _Command(
        "say what a file is: a Trace, a Snapshot or an Observation",
        "data/devices/rv1106/rk_dma_heap_alloc_map_rv1106.txt",
        _read_arguments,
        _read,
    ),
    "introspect": _Command(
        "say what a kernel knows of its buffers and memory, and from where",
        "--capture before",
        introspect.add_arguments,
        introspect.run,
    ),
    "calibrate": _Command(
        "measure what memory, heaps and caches cost on this machine",
        "--host --rounds 6 --save this-machine.json",
        calibrate.add_arguments,
        calibrate.run,
    ),
    "run": _Command(
        "run a program on the heaps of a board and record what it does",
        "--board phone-8g --record run.parquet -- PROGRAM",
        run_program.add_arguments,
        run_program.run,
        takes_program=True,
    ),
    "conformance": _Command(
        "ask heaps what Linux's own selftest asks, and more, and say what differs",
        "--board phone-8g --heap system --tap",
        conformance.add_arguments,
        conformance.run,
    ),
    "doctor": _Command(
        "say what this machine offers, what is missing and what would give it",
        "--json",
        inputs.json_argument,
        doctor.run,
    ),
}
