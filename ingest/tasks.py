"""Rounds of independent tasks: in worker processes of this machine, or on a Dask cluster. Finished ones are not redone.

A task is a function of a work folder and of one description that has a ``name``. It writes its own files; its result, a
small dataclass, is kept as ``<name>.json`` once they are whole.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Protocol, TypeVar


class Named(Protocol):
    """What a task is about."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)
R = TypeVar("R")
Function = Callable[[Path, N], R]
# Runs a function on every description and yields (position, result) as they finish, in any order.
Runner = Callable[[Function[Any, Any], Path, Sequence[Any]], Iterator[tuple[int, Any]]]


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file of a work folder under another name, then rename it: it exists whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def round_of(
    runner: Runner,
    function: Function[N, R],
    work: Path,
    tasks: Sequence[N],
    result: type[R],
    finished: Callable[[N, bool], None],
) -> list[R]:
    """Run the tasks that have no result in ``work`` yet; all the results in the tasks' order.

    ``finished`` is told each task and whether it was run now. The first error stops the round and is raised.
    """
    results: dict[int, R] = {}
    to_do: list[int] = []
    for position, task in enumerate(tasks):
        path = _result_path(work, task)
        if path.exists():
            results[position] = result(**json.loads(path.read_text()))
            finished(task, False)
        else:
            to_do.append(position)
    for position, value in runner(_Kept(function), work, [tasks[p] for p in to_do]):
        results[to_do[position]] = value
        finished(tasks[to_do[position]], True)
    return [results[position] for position in range(len(tasks))]


def _result_path(work: Path, task: Named) -> Path:
    return work / f"{task.name}.json"


class _Kept:
    """A task function that keeps its result beside its files."""

    def __init__(self, function: Function[Any, Any]) -> None:
        self.function = function

    def __call__(self, work: Path, task: Named) -> Any:
        value = self.function(work, task)
        write_whole(_result_path(work, task), json.dumps(asdict(value)).encode())
        return value


@contextmanager
def runner(workers: int | None, scheduler: str | None, preload: str) -> Iterator[Runner]:
    """Tasks run in ``workers`` processes (the cores that this process may use), or at the Dask ``scheduler``.

    ``preload`` names the module that every process starts with.
    """
    if scheduler is not None:
        distributed: Any = importlib.import_module("distributed")  # an extra: climart[cluster]
        with distributed.Client(scheduler, set_as_default=False) as client:

            def on_cluster(function: Function[Any, Any], work: Path, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
                futures = [client.submit(function, work, task, pure=False, retries=0) for task in tasks]
                position = {future.key: i for i, future in enumerate(futures)}
                for future in distributed.as_completed(futures, loop=client.loop):
                    yield position[future.key], future.result()

            yield on_cluster
        return
    workers = workers or len(os.sched_getaffinity(0))
    if workers == 1:
        yield _here
        return
    executor = ProcessPoolExecutor(workers, mp_context=_context(preload), initializer=_end_with_parent)
    try:

        def in_pool(function: Function[Any, Any], work: Path, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
            position = {executor.submit(function, work, task): i for i, task in enumerate(tasks)}
            for future in as_completed(position):
                yield position[future], future.result()

        yield in_pool
    finally:
        executor.shutdown(cancel_futures=True)


def _here(function: Function[Any, Any], work: Path, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    for i, task in enumerate(tasks):
        yield i, function(work, task)


def _context(preload: str) -> BaseContext:
    """Processes forked from a clean server that has ``preload`` imported; fresh ones where there is no such server."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context


def _end_with_parent() -> None:
    """End this worker when the process that started it ends, however it ends."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
