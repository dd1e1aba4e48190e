"""Exercises: nothing real is touched by one, and none is taken for a success that nobody heard of."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/app/exercise.py",
        "tests/integration/test_exercise.py",
        Off("one exercise at a time", "if one.exercise:", "if False:", "test_one_exercise_at_a_time"),
        Off(
            "no exercise while something real is out",
            'if one.state == "declared":',
            "if False:",
            "test_while_something_real_is_out_there_is_no_exercise",
        ),
    ),
    *guards_of(
        "dr/app/services.py",
        "tests/integration/test_exercise.py",
        Off(
            "what an exercise makes out to be down holds back nothing real",
            "playing_of(self.records, self.clock.now()) if notice.exercise else None",
            "playing_of(self.records, self.clock.now())",
            "test_what_an_exercise_has_down_holds_back_nothing_real",
        ),
    ),
    *guards_of(
        "dr/report/scorecard.py",
        "tests/unit/report/test_scorecard.py",
        Off(
            "what is no exercise is no card",
            'except ValueError:\n        raise Refused("genuine',
            'except ZeroDivisionError:\n        raise Refused("genuine',
            "test_genuine_evidence_of_something_else_is_no_card",
            by="ValidationError",
        ),
    ),
    *guards_of(
        "dr/policy/exercise_gaps.py",
        "tests/unit/policy/test_policy_exercise.py",
        Off(
            "an exercise that nobody answered is no success",
            "elif seen.card.first_acknowledgement is None:",
            "elif False:",
            "test_an_exercise_that_nobody_answers_is_red",
        ),
        Off(
            "an exercise that nobody was told of is no success",
            "if seen.card.first_notice is None:",
            "if False:",
            "test_where_nobody_was_told_nothing_else_is_said_of_messages",
        ),
    ),
)
