"""A key exchanged in the inventory: that value and nothing else."""

import pytest

from dr.config.keys_edit import with_recipient, with_signing

pytestmark = pytest.mark.unit

OLD, OTHER, NEW = "age1old", "age1other", "age1new"
TEXT = f"""\
# the plan; {OLD} is the drill key
organisation:
  name: Harbor   # a name
  keys:
    recipients:   # two
      - {OLD}     # was {OLD} since May
      - "{OTHER}"
    identity: !secret {{file: keys/drill.agekey}}   # only here
    signing: !secret {{file: keys/signing.key}}        # signs
    trusted: [keys/signing.pub]                      # believed
"""


def test_a_recipient_is_exchanged_and_every_other_character_stays() -> None:
    """Comments are the organisation's memory: even one that names the old key stays."""
    changed = with_recipient(TEXT, OLD, NEW)
    assert changed == TEXT.replace(f"- {OLD}", f"- {NEW}")
    assert with_recipient(TEXT, OTHER, NEW) == TEXT.replace(OTHER, NEW)


def test_a_recipient_that_is_not_there_is_not_exchanged() -> None:
    """Nor one that only a comment names, nor one that another begins with."""
    assert with_recipient(TEXT, "age1none", NEW) is None
    assert with_recipient(f"# {OLD}\nx: 1\n", OLD, NEW) is None
    assert with_recipient(TEXT, "age1ol", NEW) is None


def test_the_new_signing_key_signs_and_is_believed_first() -> None:
    """The old ones stay believed."""
    changed = with_signing(TEXT, "keys/s2.key", "keys/s2.pub")
    assert changed == TEXT.replace("keys/signing.key", "keys/s2.key").replace("[keys/signing.pub]", "[keys/s2.pub, keys/signing.pub]")


def test_trusted_keys_may_stand_below_one_another() -> None:
    block = TEXT.replace("trusted: [keys/signing.pub]  ", "trusted:  # all of them\n      # the first\n      - keys/signing.pub  ")
    changed = with_signing(block, "keys/s2.key", "keys/s2.pub")
    assert changed is not None
    assert "      # the first\n      - keys/s2.pub\n      - keys/signing.pub  " in changed


def test_what_is_written_in_another_way_is_left_to_a_person() -> None:
    assert with_signing(TEXT.replace("{file: keys/signing.key}", "{env: SIGNING}"), "a", "b") is None
    assert with_signing(TEXT.replace("trusted: [keys/signing.pub]", "trusted: &all [keys/signing.pub]"), "a", "b") is None
