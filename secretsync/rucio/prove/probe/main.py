"""The probe's command: limits itself, loads the package step by step, and writes the report."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import resource
import sys
import tempfile
from pathlib import Path

from .algorithms import algorithms, default_algorithms, defaults_take
from .database import make_tables, use_database
from .failures import failure
from .files import files
from .loading import configured_module, in_force, load, reasons
from .permissions import answers, type_of_has_permission
from .report import Report, RucioWarnings
from .schemas import schema_errors, type_of_schemas

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes that the package may write into one file."""


def main(arguments: list[str]) -> None:
    """Load the package as a process of Rucio's does, and write the report."""
    options = parse(arguments)
    limit(options.memory, options.cpu)
    forget_own_archive()
    report = Report(options.report)
    error = failure(
        lambda: load_package(report, options.vo, with_files=options.files), lambda: report.get("module", "")
    )
    if error:
        report["died"] = error
    report.save()
    # threads and exit handlers that the package leaves behind must not keep the process
    os._exit(0)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of this program."""
    parser = argparse.ArgumentParser(prog="probe.zip", description="Loads a policy package as a server of Rucio does")
    parser.add_argument("report", help="the file that the report is written to")
    parser.add_argument("--vo", default="", help="the VO whose package is loaded, where Rucio serves several")
    parser.add_argument("--memory", type=int, default=0, help="how many bytes of address space it may have")
    parser.add_argument("--cpu", type=int, default=0, help="how many seconds of processor time it may use")
    parser.add_argument("--files", action="store_true", help="also report the sha256 of each file of the package")
    return parser.parse_args(arguments)


def limit(memory: int, cpu: int) -> None:
    """Limit this process: no core file, and no more than *memory* bytes and *cpu* seconds; 0 is no limit."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if cpu:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))


def forget_own_archive() -> None:
    """A server has not the probe's archive, nor the current folder, at the head of its path."""
    if sys.path and sys.path[0] in ("", str(Path(__file__).absolute().parents[1])):
        del sys.path[0]


def load_package(report: Report, vo: str, *, with_files: bool) -> None:
    """Load the package step by step, as Rucio does; each result is in *report*."""
    report.enter("rucio")
    report["rucio"] = importlib.import_module("rucio.version").version_string()
    report["module"] = module = configured_module(vo)
    report.enter("database")
    with tempfile.TemporaryDirectory() as folder:
        use_database(Path(folder))
        make_tables(report, vo, Path(folder))
        logging.getLogger().addHandler(RucioWarnings(report["logged"]))
        report.enter("load")
        load(vo)
        report["in_force"] = in_force(vo)
        report.enter("reasons")
        report["reasons"] = reasons(module, report["in_force"])
        report.enter("algorithms")
        report["algorithms"] = algorithms(module)
        report.enter("default algorithms")
        report["default_algorithms"] = default_algorithms(module, vo)
        report["defaults_take"] = defaults_take(module, report["default_algorithms"])
        report.enter("schema")
        report["schemas"] = type_of_schemas(vo)
        report["schema_errors"] = schema_errors(vo)
        report.enter("permissions")
        report["has_permission"] = type_of_has_permission(vo)
        report["answers"] = answers(vo)
    if with_files:
        report.enter("files")
        report["folders"] = list(getattr(sys.modules.get(module), "__path__", ()))
        report["files"] = files(module)
    report["done"] = True
