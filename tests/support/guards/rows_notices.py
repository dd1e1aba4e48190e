"""Who may acknowledge a message, and what may not be told twice."""

from tests.support.guards.guard import Guard, Off, guards_of

_ACK = "tests/integration/test_acknowledging.py"
_EACH = "test_each_code_that_acknowledges_nothing_is_refused_in_its_own_words"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/notify/codes.py",
        _ACK,
        Off(
            "a code that nobody was given acknowledges nothing",
            "if found is None or not hmac.compare_digest(found.digest, digest):",
            "if False:",
            _EACH,
            by="AttributeError",
        ),
        Off("a code is of one outage", "if outage is not None and found.outage != outage:", "if False:", _EACH),
        Off("a code is used once", "if found.used is not None:", "if False:", "test_a_used_code_is_known_before_anything_is_written"),
        Off("a code expires", "if now >= found.expires:", "if False:", _EACH),
        Off(
            "of two who use a code at once one is refused",
            "if not self._ledger.use_code(code.digest, now):",
            "if False:",
            "test_of_two_at_once_one_is_refused",
        ),
        Off(
            "codes cannot be tried through",
            "if len(wrong) >= TRIES:",
            "if False:",
            "test_wrong_codes_are_counted_and_then_none_is_looked_at",
        ),
    ),
    *guards_of(
        "dr/notify/acknowledge.py",
        _ACK,
        Off(
            "who saw something lesser has not seen what it became",
            "if code.round < (notice.raised or 0):",
            "if False:",
            "test_a_code_of_before_it_became_more_severe_answers_nothing",
        ),
        Off(
            "a code whose message is gone acknowledges nothing",
            "if notice is None:",
            "if False:",
            "test_a_code_whose_message_is_gone_is_refused",
            by="AttributeError",
        ),
    ),
    *guards_of(
        "dr/notify/carrier.py",
        "tests/integration/test_notice_carrying.py",
        Off(
            "what was about to be sent by a process that is no more is a repeat",
            "dead = [claim for claim in notice.claims if not lives(claim.by)]",
            "dead: list[Claim] = []",
            "test_what_a_killed_process_may_have_sent_is_sent_again_as_a_repeat",
        ),
    ),
)
