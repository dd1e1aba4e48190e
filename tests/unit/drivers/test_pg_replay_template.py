"""A template of SQL is cut into statements in which `:key` is bound and never written; what cannot be run safely is refused."""

import pytest

from dr.drivers.postgres.replay import prepare
from dr.errors import ConfigError

pytestmark = pytest.mark.unit


def test_only_the_parameter_is_replaced() -> None:
    """Casts, percent signs, quotes, comments, dollar quotes and semicolons within them stay what they are."""
    text = """
    -- for :key; really
    DELETE FROM "a;b:key%" WHERE id = :key::uuid AND x LIKE '50%;'; /* ; :key */
    UPDATE t SET note = E'it\\'s; gone', body = $q$ ; % $q$ WHERE k = :key
    """.replace('"a;b:key%"', '"a;b%"')
    assert prepare(text, "erase.sql") == (
        "DELETE FROM \"a;b%%\" WHERE id = %(key)s::uuid AND x LIKE '50%%;'",
        "UPDATE t SET note = E'it\\'s; gone', body = $q$ ; %% $q$ WHERE k = %(key)s",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DELETE FROM client", "erase.sql does not say :key anywhere: it would do the same for everybody"),
        ("", "erase.sql does not say :key anywhere: it would do the same for everybody"),
        ("-- :key\nDELETE FROM client", "erase.sql does not say :key anywhere: it would do the same for everybody"),
        ("DELETE FROM client WHERE id = :id", "erase.sql names :id; the only parameter is :key"),
        ("DELETE FROM client WHERE id = ':key'", "erase.sql has :key within quotes, where nothing can be bound"),
        ("DO $$ BEGIN DELETE FROM c WHERE id = :key; END $$", "erase.sql has :key within quotes, where nothing can be bound"),
        ("DELETE FROM c WHERE id = :key; COMMIT;", "erase.sql begins or ends a transaction of its own"),
    ],
)
def test_what_cannot_be_run_safely_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        prepare(text, "erase.sql")
    assert refused.value.message == said
