"""`needle`: the signed token that was planted before this set's snapshots is found in what was restored: it is that night's backup."""

import json
from collections.abc import Iterator
from pathlib import Path

from dr.checks.postgres import servers
from dr.drivers.postgres.names import shown
from dr.drivers.postgres.needle import read_needles
from dr.errors import Damaged
from dr.model.base import SetId, StrictModel, canonical
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult, Difference

TABLE = "dr.needle"
FILE = ".dr-needle"
NOT_WITNESSED = "not witnessed: no needle was planted"


class Params(StrictModel):
    pass


class Needle:
    """ports.Check. Looks where the set says that a needle was: databases whose proof has its table, file sets that ask for one."""

    kind = "needle"
    params: type[StrictModel] = Params

    def run(self, params: Params, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - it has none
        started = ctx.clock.now()
        token = restored.set.index.needle
        wrong, examined = _look(token, restored, ctx) if token is not None else ([], 0)
        summary = f"this set's needle was found in {examined} place{'s' * (examined != 1)}"
        if wrong:
            summary = f"{wrong[0].kind} {wrong[0].name}: {wrong[0].detail}"
        elif not examined:
            summary = NOT_WITNESSED if token is None else "a needle was planted, but nothing that was restored should hold it"
        return CheckResult(
            check=self.kind,
            passed=examined > 0 and not wrong,
            examined=examined,
            summary=summary,
            started=started,
            ended=ctx.clock.now(),
            differences=tuple(wrong),
        )


def _look(token: str, restored: Restored, ctx: StepContext) -> tuple[list[Difference], int]:
    why = distrust(token, restored.set.manifest.set, ctx)
    wrong = [Difference(kind="needle", name=restored.set.manifest.set, detail=why)] if why else []
    examined = 0
    for kind, name, held in (*_in_databases(restored), *_in_files(restored, ctx)):
        ctx.check_stop()
        examined += 1
        if token not in held:
            wrong.append(Difference(kind=kind, name=name, detail="holds no needle of this set" if held else "holds no needle"))
    return wrong, examined


def distrust(token: str, set_id: SetId, ctx: StepContext) -> str:
    """Why the set's own token proves nothing; empty if it was signed by a trusted key for this very set."""
    try:
        body = json.loads(token)
        signature = bytes.fromhex(body.pop("signature"))
        named = body["set"]
        ctx.keys.verify(canonical(body), signature)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "its token is not one of ours"
    except Damaged:
        return "its token was signed by no trusted key"
    return "" if named == set_id else "its token names another set"


def _in_databases(restored: Restored) -> Iterator[tuple[str, str, list[str]]]:
    for server in servers(restored):
        for reader in server.artifacts:
            if TABLE in reader.index.content.get("proof", {}).get("tables", {}):
                database = str(reader.index.content["database"])
                yield "database", shown(database), read_needles(server.dsn(database))


def _in_files(restored: Restored, ctx: StepContext) -> Iterator[tuple[str, str, list[str]]]:
    system = ctx.inventory.systems.get(restored.set.manifest.system)
    for name, place in sorted(restored.places.items()):
        entry = system.sources.get(name) if system else None
        if isinstance(place, dict) and "path" in place and entry is not None and entry.needle:
            yield "file set", name, _file_needle(Path(place["path"]) / FILE)


def _file_needle(file: Path) -> list[str]:
    if file.is_symlink() or not file.is_file():  # restored data is hostile: a link may lead anywhere
        return []
    return [file.read_bytes()[:65536].decode("utf-8", "replace").strip()]


CHECK = Needle()
