"""RESTORE.md: how to restore a set with age, zstd, tar and the database's own tools, written for a person who has no `dr`.

Every command in it is meant to be pasted into bash as it is; a test does that.
"""

from __future__ import annotations

from collections.abc import Iterable

from dr.clock import iso
from dr.model.backup import Artifact, Manifest
from dr.units import show_size

_HEAD = """\
# How to restore this backup without `dr`

Set `{set}` of system `{system}`, `{organisation}`. It shows the state of {instant}.
You need a bash shell, `age`, `zstd`, `tar`, and one of the private age keys for which the set was encrypted:

{recipients}

First say where things are: `KEY` is the file with the private key, `OUT` a new or empty, private folder with room for {plain}. It is
client data in the clear that will lie in `OUT`, so choose a place outside of the backups. For example:
`export KEY=/media/stick/escrow.agekey OUT=/a/private/place`

Then run the commands in this folder:

```bash
set -euo pipefail
: "${{KEY:?say which private key: export KEY=/path/to/private-key.txt}}" "${{OUT:?say where to: export OUT=/a/private/place}}"
export KEY OUT="$(realpath -m -- "$OUT")"
HERE=$(pwd -P) TOP=$(pwd -P)
while [ "$TOP" != / ] && [ ! -e "$TOP/dr-repository.json" ]; do TOP=$(dirname -- "$TOP"); done
if [ "$TOP" = / ]; then TOP=$HERE; fi
case "$OUT/" in "$TOP"/*) echo "OUT lies among the backups ($TOP): choose a place outside" >&2; exit 1;; esac
umask 077
mkdir -p "$OUT"
unpack() {{ local part; for part in "$@"; do age --decrypt -i "$KEY" "$part" | zstd --decompress --quiet --stdout; done; }}
```

## What is in it

| artifact | kind | source | parts | unpacked |
|---|---|---|---|---|
{table}

Parts are numbered from 000000 without a gap. A list of what is inside, with names and digests, is in the index:

```bash
unpack index.zst.age > "$OUT/index.json"
```

## Is it whole? (optional, but wise)

This prints every part that is not the one that was signed, and nothing if all are:

```bash
find . -name '*.zst.age' -type f -exec sha256sum {{}} + | while read -r sum path; do
  grep -q "$sum" manifest.json || echo "NOT WHAT WAS SIGNED: $path"
done
```

OpenSSL 3 tells whether `manifest.json` itself is what was signed, if you have the organisation's public signing key (`signing.pub`):

```text
base64 -d manifest.sig > /tmp/manifest.raw
openssl pkeyutl -verify -rawin -pubin -inkey signing.pub -in manifest.json -sigfile /tmp/manifest.raw
```
"""

_EXTRACT = """\
```bash
mkdir -p "$OUT/{name}"
unpack {name}/*.zst.age | tar --extract --preserve-permissions {options}--file=- --directory="$OUT/{name}"
```
"""

_FILES = """
## The files of `{source}`: artifact `{name}`

As root, owners come back as they were, by number. Everything lands below `$OUT/{name}`; move it from there.

"""

_DATABASES = """
## The databases of `{source}`

You need the PostgreSQL client programs ({version}) and a new, empty server. Say how it is reached:
`export PGHOST=localhost PGPORT=5432 PGUSER=postgres` (and `PGPASSFILE`).
"""

_GLOBALS = """
Roles and tablespaces first. The role as which you connect is left as it is, with its password; another that exists already is reported
and does no harm:

"""

_PSQL = """
```bash
export ME=$(psql --no-psqlrc --tuples-only --no-align --dbname=postgres --command='SELECT quote_ident(current_user)')
grep -v -F -e "CREATE ROLE $ME;" -e "ALTER ROLE $ME WITH " "$OUT/{name}/globals.sql" > "$OUT/{name}/others.sql"
psql --no-psqlrc --quiet --dbname=postgres --file="$OUT/{name}/others.sql"
```
"""

_DATABASE = """
Then the database in artifact `{name}`. It is made first, unless it is one that every server has from the start.

"""

_PG_RESTORE = """
```bash
NAME=$(pg_restore --list "$OUT/{name}/dump" | sed -n 's/^; *dbname: //p')
if [ "$NAME" = postgres ] || [ "$NAME" = template1 ]; then
  pg_restore --exit-on-error --dbname="$NAME" "$OUT/{name}/dump"
else
  pg_restore --exit-on-error --create --dbname=postgres "$OUT/{name}/dump"
fi
```
"""

_OTHER = """
## Artifact `{name}` of `{source}`, kind `{kind}`

It is a tar archive:

"""

_TAIL = """
When you are done: what lies in `$OUT` is client data in the clear. Remove it where it is not needed.
"""


def guide(manifest: Manifest) -> bytes:
    """The text for one set. Depends on nothing but the manifest without its `guide`."""
    text = _HEAD.format(
        set=manifest.set,
        system=manifest.system,
        organisation=manifest.organisation,
        instant=iso(manifest.instant),
        plain=show_size(manifest.plain),
        recipients="\n".join(f"- `{one}`" for one in manifest.recipients),
        table="\n".join(_row(artifact) for artifact in manifest.artifacts),
    )
    return (text + "".join(_sections(manifest.artifacts)) + _TAIL).encode()


def _row(artifact: Artifact) -> str:
    return f"| `{artifact.name}` | {artifact.kind} | {artifact.source} | {len(artifact.parts)} | {show_size(artifact.plain)} |"


def _sections(artifacts: tuple[Artifact, ...]) -> Iterable[str]:
    for source in dict.fromkeys(artifact.source for artifact in artifacts):
        own = [artifact for artifact in artifacts if artifact.source == source]
        databases = [artifact for artifact in own if artifact.kind == "postgres_logical"]
        if databases:
            yield from _postgres(databases)
        for artifact in own:
            if artifact.kind == "files":
                options = "--numeric-owner --xattrs --xattrs-include='*' "
                yield _FILES.format(source=source, name=artifact.name) + _EXTRACT.format(name=artifact.name, options=options)
            elif artifact.kind != "postgres_logical":
                yield _OTHER.format(source=source, name=artifact.name, kind=artifact.kind) + _extract(artifact)


def _postgres(artifacts: list[Artifact]) -> Iterable[str]:
    versions = {one.identity["server_version"] for one in artifacts if "server_version" in one.identity}
    version = f"of version {' or '.join(sorted(versions))} or newer" if versions else "of the server's version or newer"
    yield _DATABASES.format(source=artifacts[0].source, version=version)
    for artifact in sorted(artifacts, key=lambda one: (not _is_globals(one), one.name)):
        if _is_globals(artifact):
            yield _GLOBALS + _extract(artifact) + _PSQL.format(name=artifact.name)
        else:
            yield _DATABASE.format(name=artifact.name) + _extract(artifact) + _PG_RESTORE.format(name=artifact.name)


def _is_globals(artifact: Artifact) -> bool:
    return artifact.name.endswith("-globals")


def _extract(artifact: Artifact) -> str:
    return _EXTRACT.format(name=artifact.name, options="")
