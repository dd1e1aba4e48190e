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
                "except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, ValidationError):\n"
                '        raise Damaged("it cannot be read") from None'
            ),
            "except ZeroDivisionError:\n        raise",
            _STRANGE,
            by="JSONDecodeError",
        ),
        Off(
            "who was beaten by what cannot be believed is told where it lies",
            "return self._open(stands, claim.line, None)\n        except Damaged as error:",
            "return self._open(stands, claim.line, None)\n        except ZeroDivisionError as error:",
            "test_who_is_beaten_by_what_cannot_be_believed_is_told_so",
        ),
        Off(
            "a minority of the stores gives no duty to anybody",
            "self._most = len(stores) // 2 + 1",
            "self._most = 1",
            "test_one_of_three_stores_may_be_lost_and_two_may_not",
        ),
        Off(
            "nobody goes past a claim that may still win its place",
            "next=self._next(held.place if held else 0, best, tops, len(silent)),",
            "next=max(tops) + 1,",
            "test_of_all_who_claim_at_once_one_is_told_that_it_holds_the_duty",
        ),
    ),
    *guards_of(
        "dr/app/home.py",
        "tests/integration/test_exercise.py",
        Off(
            "duties are moved only by the command that shows what it would do, and asks",
            "if runbook.kind == engines.FAILOVER:",
            "if False:",
            "test_duties_are_moved_by_the_command_that_shows_and_asks_first_and_by_no_other",
        ),
    ),
    *guards_of(
        "dr/app/office_lost.py",
        "tests/integration/test_exercise.py",
        Off(
            "nothing is rehearsed while people are asked for a duty for real",
            'if each.duty in roster.duties and (each.state != "held" or each.asked is not None):',
            "if False:",
            "test_while_a_duty_is_asked_for_for_real_nothing_is_rehearsed",
        ),
    ),
    *guards_of(
        "dr/app/duties.py",
        "tests/unit/app/test_app_duties.py",
        Off(
            "who answers to a rehearsal that is over moves nothing",
            "if self.verb and not lasts(self.app.records, known[-1], self.app.clock.now()):",
            "if False:",
            "test_a_yes_to_a_rehearsal_that_is_over_moves_nobody_and_tells_nobody",
        ),
        Off(
            "who was beaten in the store is told so",
            "if held.office != office or held.number < wanted:",
            "if False:",
            "test_who_was_beaten_in_the_store_is_told_who_holds_it",
        ),
        Off(
            "a duty is given to who asked for it",
            "if wanted is None:",
            "if False:",
            "test_what_nobody_asked_back_is_not_given",
            by="AttributeError",
        ),
        Off(
            "a hand-back that was overtaken is refused",
            "if held.office != to:",
            "if False:",
            "test_a_hand_back_that_another_machine_overtook_is_refused",
        ),
        Off(
            "two offices agree by two people",
            "if not self.exercise and same_person(self.desk.by, wanted.by):",
            "if False:",
            "test_one_person_does_not_agree_with_themselves_but_says_why_they_are_alone",
        ),
        Off("what the machine rejects is refused", "if rejected:", "if False:", "test_a_yes_to_a_stale_number_is_refused"),
    ),
    *guards_of(
        "dr/app/office_lost.py",
        "tests/unit/app/test_app_duties.py",
        Off(
            "a loss is declared once",
            "if known is not None and known.through == parts(loss.through):",
            "if False:",
            "test_a_loss_is_declared_once",
        ),
        Off(
            "a failover goes on where it was",
            'if record.state == "running" and same:',
            "if False:",
            "test_a_failover_goes_on_where_it_was_instead_of_beginning_anew",
        ),
        Off(
            "a second person confirms it where the main office is silent",
            "return silent and not loss.exercise and not loss.alone and app.inventory.failover.confirm > 1",
            "return False",
            "test_two_people_confirm_it_where_the_main_office_is_silent",
        ),
    ),
)
