"""Compiled functions: Numba in no-Python mode, kept on disk so that a second start is quick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(*signatures: str) -> Callable[[F], F]:
    """Compile a function. With signatures, at import (from the disk cache): a forked worker then has it already.

    A function's cache is renewed when its own file changes, not when a compiled function of another file does: compiled
    code calls compiled code of its own module only.
    """

    def decorate(function: F) -> F:
        compiler: Any = numba.njit
        chosen = [list(signatures)] if signatures else []
        return cast(F, compiler(*chosen, cache=True, nogil=True)(function))

    return decorate
