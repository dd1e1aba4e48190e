"""Every guard of the table, one after the other: is its test green with it, and red without it?

`python -m tests.support.guards.campaign [--fast] [--only WORDS] [--workers N]`; exit code 1 where one stays green, or was never green.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from py_compile import PyCompileError

from tests.support.guards import switch
from tests.support.guards.guard import Guard, base
from tests.support.guards.table import GUARDS

_tree: list[Path] = []
"""This worker's copy."""


@dataclass(frozen=True)
class Verdict:
    """What became of a guard's tests without it. `wrong` is empty where all of them went red by what they assert."""

    guard: Guard
    ended: switch.Ended
    wrong: str


def examine(guard: Guard, tree: Path) -> Verdict:
    """Switch it off in the copy and run its tests there."""
    try:
        with switch.without(guard, tree):
            ended = switch.run(guard.tests, tree)
    except (TimeoutError, ValueError, PyCompileError) as error:
        return Verdict(guard, {}, str(error))
    return Verdict(guard, ended, _wrong(guard, ended))


def _wrong(guard: Guard, ended: switch.Ended) -> str:
    red = switch.ASSERTED | set(guard.by.split())
    for test in guard.tests:
        said = {how for node, how in ended.items() if node == test or base(node) == test}
        if not said & red:
            return f"{test}: {', '.join(sorted(said)) or 'did not run'}"
    return ""


def never_green(guards: Sequence[Guard], tree: Path) -> list[str]:
    """Tests of the table that do not pass with every guard on."""
    tests = sorted({test for guard in guards for test in guard.tests})
    ended = switch.run(tests, tree, patience=3600)
    ran = {base(node) for node in ended} | set(ended)
    return [f"{test}: did not run" for test in tests if test not in ran] + [
        f"{node}: {how}" for node, how in ended.items() if how != "passed"
    ]


def _set_up(trees: "multiprocessing.Queue[Path]") -> None:
    switch.preload()
    _tree.append(trees.get())


def _job(guard: Guard) -> Verdict:
    return examine(guard, _tree[0])


def _pristine(guards: Sequence[Guard]) -> list[str]:
    return never_green(guards, _tree[0])


def main(arguments: Sequence[str]) -> int:
    words = argparse.ArgumentParser(
        prog="scripts/campaign-guards", description="Every guard switched off by itself: its tests must go red."
    )
    words.add_argument("--only", default="", metavar="WORDS", help="rows whose promise or file holds these words")
    words.add_argument("--fast", action="store_true", help="rows whose tests are unit tests")
    words.add_argument("--workers", type=int, default=2, metavar="N")
    given = words.parse_args(arguments)
    chosen = [one for one in GUARDS if given.only in f"{one.file} {one.promise}" and (one.fast or not given.fast)]
    if not chosen:
        words.error(f"no row holds '{given.only}'")
    began = time.monotonic()
    pale, green = _carry_out(chosen, given.workers)
    for line in green:
        print(f"NEVER GREEN  {line}")
    print(f"{len(chosen)} guards, {len(chosen) - len(pale)} red with the guard off, in {(time.monotonic() - began) / 60:.1f} minutes")
    return 1 if pale or green else 0


def _carry_out(chosen: Sequence[Guard], workers: int) -> tuple[list[Verdict], list[str]]:
    """The rows that stayed green, and the tests that never were."""
    context = multiprocessing.get_context("fork")
    trees = context.Queue()
    with ExitStack() as stack:
        for _ in range(workers):
            trees.put(stack.enter_context(switch.copied()))
        pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context, initializer=_set_up, initargs=(trees,)))
        green = pool.submit(_pristine, chosen)
        pale = []
        for future in as_completed([pool.submit(_job, guard) for guard in chosen]):
            verdict = future.result()
            pale += [verdict] if verdict.wrong else []
            print(f"{'GREEN' if verdict.wrong else 'red  '}  {verdict.guard.file}: {verdict.guard.promise}", flush=True)
            if verdict.wrong:
                print(f"         {verdict.wrong}", flush=True)
        return pale, green.result()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
