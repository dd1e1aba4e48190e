"""What the commands refuse."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/app/accept.py",
        "tests/integration/test_accept_story.py",
        Off(
            "only what is odd can be accepted",
            "if not odd and not any(copy.shrunken for copy in copies):",
            "if False:",
            "test_folders_beside_a_file_set_are_told_without_alarm_and_end_when_they_are_accepted_or_gone",
        ),
    ),
    *guards_of(
        "dr/app/approvals.py",
        "tests/integration/test_people.py",
        Off(
            "who asked may not approve, from any terminal",
            "if approves and question.not_by and same_person(by, question.not_by):",
            "if False:",
            "test_a_second_person_approves_from_another_terminal",
        ),
    ),
    *guards_of(
        "dr/app/asked.py",
        "tests/integration/test_report_status.py",
        Off(
            "evidence that another key signed is not genuine",
            ('raise Damaged(f"the signature was not made by {file}", hint="the file was changed, or another key signed it") from None'),
            "raise",
            "test_evidence_is_verified_anywhere",
        ),
    ),
    *guards_of(
        "dr/app/binding.py",
        "tests/unit/app/test_app_binding.py",
        Off(
            "a state folder that belongs to another home is said as such",
            'if _same(found.home / "state", state):',
            "if False:",
            "test_a_link_to_anothers_state_is_refused",
        ),
        Off(
            "a copy of a home does not work beside its original",
            "if other is None or other.token != found.token:",
            "if True:",
            "test_a_copy_beside_its_original_is_refused",
        ),
        Off(
            "a mark that cannot be read is not taken for none",
            "except (OSError, ValueError, KeyError, TypeError):",
            "except (OSError, ValueError, KeyError, TypeError):\n        return None\n    except ArithmeticError:",
            "test_a_mark_that_cannot_be_read_is_refused_and_says_what_to_do",
        ),
    ),
    *guards_of(
        "dr/app/home.py",
        "tests/integration/test_wrong_inventory.py",
        Off(
            "while the files are wrong nothing is begun that is more than telling and asking people",
            "if self.lapse is not None and (plan is None or not only_people(plan)):",
            "if False:",
            "test_by_what_was_right_last_nothing_is_begun_or_resumed_that_is_more_than_telling_and_asking",
        ),
    ),
    *guards_of(
        "dr/app/holds.py",
        "tests/integration/test_people.py",
        Off(
            "only a set that is held can be released",
            "if not known and not any(copy.held for copy in app.backup(set_id)[1]):",
            "if False:",
            "test_a_hold_that_is_not_whole_is_incomplete_until_the_nightly_makes_it_so",
        ),
    ),
    *guards_of(
        "dr/app/home_restore.py",
        "tests/integration/test_stored_homes.py",
        Off(
            "a key that does not open the home is refused before anything is made",
            "if public not in manifest.recipients:",
            "if False:",
            "test_the_wrong_key_is_refused_and_nothing_is_made",
            by="Damaged",
        ),
        Off(
            "a home is not laid out over other things",
            "if strange and not work.is_dir():",
            "if False:",
            "test_a_place_that_is_not_empty_is_refused",
            by="NotADirectoryError",
        ),
    ),
    *guards_of(
        "dr/app/rehearse.py",
        "tests/integration/test_people.py",
        Off(
            "a rehearsal writes nothing to a repository",
            "if name not in READING:",
            "if False:",
            "test_without_its_guard_a_rehearsals_repository_can_be_written_to",
        ),
    ),
    *guards_of(
        "dr/app/rotate.py",
        "tests/faults/test_keys_kills.py",
        Off(
            "one rotation is finished before another begins",
            "if unfinished and unfinished.what != what:",
            "if False:",
            "test_another_rotation_waits_for_the_unfinished_one",
        ),
        Off(
            "an inventory written in an unknown way is not edited",
            "if possible is None:",
            "if False:",
            "test_an_inventory_written_in_another_way_is_refused_before_anything_is_made",
        ),
    ),
    *guards_of(
        "dr/app/stored_catalog.py",
        "tests/integration/test_rebuild_without_production.py",
        Off(
            "a stored catalog that a stranger signed is not believed",
            "if stored.fingerprint(manifest.public) not in trusted:",
            "if False:",
            "test_a_strangers_home_is_not_believed",
        ),
    ),
    *guards_of(
        "dr/app/stored_homes.py",
        "tests/integration/test_stored_homes.py",
        Off(
            "a repository without a home says so", "if not names:", "if False:", "test_a_folder_that_is_no_repository_says_so", by="Damaged"
        ),
        Off(
            "a home that only a stranger signed is not laid out",
            "if trust is not None and not mark.startswith(trust):",
            "if False:",
            "test_a_home_that_only_a_stranger_signed_is_damaged_to_whoever_trusts_ours",
        ),
        Off(
            "homes signed by several keys are not chosen among",
            "if len(signers) > 1:",
            "if False:",
            "test_a_strangers_home_beside_ours_is_noticed",
            by="Damaged",
        ),
    ),
    *guards_of(
        "dr/cli/hosts.py",
        "tests/integration/test_enrolling_words.py",
        Off(
            "a host that cannot be enrolled is refused before anybody is asked",
            "if not all(ok for ok, _ in lines):",
            "if False:",
            "test_a_standby_that_cannot_be_is_refused_before_anybody_is_asked",
        ),
    ),
    *guards_of(
        "dr/app/schedule.py",
        "tests/integration/test_schedule.py",
        Off(
            "a look at one schedule takes no night from another",
            "anchor(app, [name])",
            "anchor(app, scheduled(app))",
            "test_looking_at_one_schedule_takes_no_night_from_another",
        ),
        Off(
            "a run that nobody carries keeps no night from beginning",
            "and not (alone and seen.broken_off)",
            "",
            "test_a_person_s_interrupted_run_keeps_no_night_from_beginning",
        ),
        Off(
            "a clock from before everything anchors nothing",
            "if not _claims(app, name) and seen.due.occurrence is not None:",
            "if seen.claim is None and seen.due.occurrence is not None:",
            "test_a_clock_that_is_back_before_everything_forgets_nothing_and_begins_nothing_later",
        ),
    ),
    *guards_of(
        "dr/catalog/findings.py",
        "tests/contracts/test_records_contract.py",
        Off(
            "a finding is closed by its whole key",
            "self._close(at, run, findings.c.key == key)",
            "self.close_findings(key, [], at, run)",
            "test_one_finding_is_closed_by_its_whole_key",
        ),
    ),
    *guards_of(
        "dr/notify/ping.py",
        "tests/unit/test_ping.py",
        Off(
            "a ping follows no redirect",
            "build_opener(_NoRedirect)",
            "build_opener()",
            "test_a_page_to_log_in_is_no_watch_that_was_told",
        ),
        Off(
            "a ping's URL bears no password",
            'if "@" in parts.netloc:',
            "if False:",
            "test_what_is_no_ping_s_url_is_refused_and_not_shown",
            by="Unreachable",
        ),
    ),
    *guards_of(
        "dr/timers/units.py",
        "tests/unit/test_timers.py",
        Off(
            "a title takes no line of its unit for its own",
            '.rstrip("\\\\ ")',
            "",
            "test_a_hostile_title_stays_one_line_of_its_own",
        ),
    ),
)
