"""Digests of large objects: contents, owner, grants, comment. By their bytes, not their pages: a restore may cut those anew."""

import hmac
import threading
from collections.abc import Callable

import psycopg

from dr.drivers.postgres.connect import Connection
from dr.drivers.postgres.crew import unreadable
from dr.errors import Stopped
from dr.model.base import JsonObject, canonical

EACH = 20_000
"""Up to so many, each has its own digest and is named when it differs; beyond, only ranges of a thousand oids."""
_BATCH = 200
_OIDS = "SELECT oid::int8 FROM pg_largeobject_metadata ORDER BY oid"
_FACTS = """
SELECT m.oid::int8, pg_get_userbyid(m.lomowner)::text,
       (SELECT coalesce(string_agg(concat_ws('/', CASE WHEN a.grantee = 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END,
                                             pg_get_userbyid(a.grantor)::text, a.privilege_type, a.is_grantable), E'\n'
                                   ORDER BY pg_get_userbyid(a.grantee)::text COLLATE "C", a.grantee, a.privilege_type,
                                            pg_get_userbyid(a.grantor)::text COLLATE "C"), '')
          FROM aclexplode(coalesce(m.lomacl, acldefault('L', m.lomowner))) a),
       coalesce(obj_description(m.oid, 'pg_largeobject'), ''), size.bytes,
       (SELECT encode(sha256(coalesce(string_agg(sha256(lo_get(m.oid, step << 20, 1 << 20)), ''::bytea ORDER BY step), ''::bytea)), 'hex')
          FROM generate_series(0::int8, (size.bytes - 1) >> 20) step)
  FROM pg_largeobject_metadata m,
       LATERAL (SELECT coalesce((SELECT p.pageno::int8 * (current_setting('block_size')::int8 / 4) + octet_length(p.data)
                                   FROM pg_largeobject p WHERE p.loid = m.oid ORDER BY p.pageno DESC LIMIT 1), 0) AS bytes) size
 WHERE m.oid = ANY (%s::oid[])
"""


def read_large_objects(
    connection: Connection, digest: Callable[[object], str], stop: threading.Event, progress: Callable[[str, int, int], None]
) -> JsonObject:
    """`{"count": n, "ranges": {"16": digest}, "each": {"16404": digest}}`; `digest` is keyed. Raises Stopped, Failed."""
    oids = [int(row[0]) for row in connection.execute(_OIDS).fetchall()]
    each: dict[str, str] = {}
    for start in range(0, len(oids), _BATCH):
        if stop.is_set():
            raise Stopped("the content proof was stopped")
        for oid, *facts in _facts(connection, oids[start : start + _BATCH]):
            each[str(oid)] = digest(["large object", str(oid), *facts])
        progress("digest of large objects", min(start + _BATCH, len(oids)), len(oids))
    ranges: dict[str, list[str]] = {}
    for oid in oids:
        ranges.setdefault(str(oid // 1000), []).append(each[str(oid)])
    summed = {number: digest(members) for number, members in ranges.items()}
    return {"count": len(oids), "ranges": summed, "each": each if len(oids) <= EACH else {}}


def _facts(connection: Connection, oids: list[int]) -> list[tuple[object, ...]]:
    try:
        return list(connection.execute(_FACTS, (oids,)).fetchall())
    except psycopg.Error as error:
        raise unreadable("a large object", error) from None


def keyed(key: bytes) -> Callable[[object], str]:
    """HMAC-SHA-256 of a JSON value's canonical spelling."""
    return lambda value: hmac.digest(key, canonical(value), "sha256").hex()
