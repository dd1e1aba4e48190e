"""Settings that a person turns, and small facts that one run leaves for the next."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from dr.catalog.noun import Noun, upsert
from dr.catalog.schema import settings


class SettingRecords(Noun):
    def setting(self, key: str) -> str | None:
        with self._store.read() as connection:
            return _value(connection, key)

    def set_setting(self, key: str, value: str) -> None:
        with self._store.write() as connection:
            upsert(connection, settings, {"key": key, "value": value})

    def amend_setting(self, key: str, change: Callable[[str | None], str]) -> str:
        """Read it, change it and keep it, with nobody writing in between. What `change` raises leaves it as it was."""
        with self._store.write() as connection:
            value = change(_value(connection, key))
            upsert(connection, settings, {"key": key, "value": value})
            return value


def _value(connection: Connection, key: str) -> str | None:
    return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar()
