"""Settings that a person turns, and small facts that one run leaves for the next."""

from sqlalchemy import select

from dr.catalog.noun import Noun, upsert
from dr.catalog.schema import settings


class SettingRecords(Noun):
    def setting(self, key: str) -> str | None:
        with self._store.read() as connection:
            return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar()

    def set_setting(self, key: str, value: str) -> None:
        with self._store.write() as connection:
            upsert(connection, settings, {"key": key, "value": value})
