"""Who holds a duty: claims, and what moves them."""

from tests.support.guards.guard import Guard, Off, guards_of

_STRANGE = "test_what_cannot_be_believed_moves_no_duty_and_is_said"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/repositories/directory_claims.py",
        "tests/contracts/test_repository_contract.py",
        Off(
            "a claim's name leads nowhere else",
            "if not _LINE.fullmatch(line) or not 1 <= place <= HIGHEST:",
            "if False:",
            "test_what_is_no_name_of_a_claim_is_refused",
        ),
        Off(
            "a stale number is not written",
            "if self._highest(line) <= place:",
            "if True:",
            "test_a_number_that_was_passed_over_can_not_be_claimed_any_more",
        ),
    ),
    *guards_of(
        "dr/stream/claims.py",
        "tests/unit/stream/test_stream_claims.py",
        Off(
            "a claim that was carried to another place counts for nothing",
            "if claim.line != line or place not in (None, claim.place):",
            "if False:",
            _STRANGE,
        ),
        Off("a claim's signature is checked", 'keys.verify(canonical(stored["claim"]), signature)', "pass", _STRANGE),
        Off(
            "what is no claim is damage, and stops nobody",
            (
                "except (ValueError, KeyError, TypeError, binascii.Error, ValidationError):\n"
                '        raise Damaged("it cannot be read") from None'
            ),
            "except ZeroDivisionError:\n        raise",
            _STRANGE,
            by="JSONDecodeError",
        ),
        Off(
            "who was beaten by what cannot be believed is told where it lies",
            "return self._open(stands, claim.duty, None, claim.exercise)\n        except Damaged as error:",
            "return self._open(stands, claim.duty, None, claim.exercise)\n        except ZeroDivisionError as error:",
            "test_who_is_beaten_by_what_cannot_be_believed_is_told_so",
        ),
        Off(
            "a minority of the stores gives no duty to anybody",
            "self._most = len(stores) // 2 + 1",
            "self._most = 1",
            "test_one_of_three_stores_may_be_lost_and_two_may_not",
        ),
    ),
)
