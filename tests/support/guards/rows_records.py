"""What is on record, who carries a run, who was told, and the evidence."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/model/readiness.py",
        "tests/unit/policy/test_policy_standing.py",
        Off(
            "a kept judgement is void once anything befell its system",
            "self.judged == befallen and ",
            "",
            "test_a_kept_judgement_is_void_where_anything_is_otherwise",
        ),
        Off(
            "a kept judgement is void once a file of the home is another",
            "self.files == files and ",
            "",
            "test_a_kept_judgement_is_void_where_anything_is_otherwise",
        ),
        Off(
            "a kept judgement is void once time changes it, or went back",
            "self.at <= now < self.until",
            "now is not None",
            "test_a_kept_judgement_is_void_where_anything_is_otherwise",
        ),
    ),
    *guards_of(
        "dr/catalog/audit.py",
        "tests/unit/catalog/test_catalog_audit.py",
        Off(
            "a changed entry breaks the audit chain",
            "entry.seq != expected.seq + 1 or entry.previous != expected.hash or entry_hash(entry.to_facts()) != entry.hash",
            "entry.seq != expected.seq + 1 or entry.previous != expected.hash",
            "test_a_changed_missing_or_added_entry_breaks_the_chain",
        ),
        Off(
            "an entry that was hashed anew is seen by the next one",
            " or entry.previous != expected.hash",
            "",
            "test_an_entry_written_anew_with_its_own_hash_is_seen_by_the_next",
        ),
        Off(
            "a wholly rewritten log differs from a head kept elsewhere",
            "if broken or (head is not None and entry.seq == head.seq and entry.hash != head.hash):",
            "if broken:",
            "test_a_wholly_rewritten_log_differs_from_a_head_kept_elsewhere",
        ),
        Off(
            "a cut tail of the log is found by a head kept elsewhere",
            "return expected.seq + 1 if head is not None and head.seq > expected.seq else None",
            "return None",
            "test_a_cut_tail_is_found_by_a_head_kept_elsewhere",
        ),
    ),
    *guards_of(
        "dr/catalog/damage.py",
        "tests/contracts/test_records_contract.py",
        Off(
            "damage spreads to every set that shares the bytes",
            (
                "same = (parts.c.repository == repository, parts.c.origin == origin, parts.c.sha256 == digest)\n        "
                "connection.execute(update"
            ),
            (
                "same = (parts.c.repository == repository, parts.c.set_id == set_id, parts.c.sha256 == digest)\n        "
                "connection.execute(update"
            ),
            "test_damage_marks_every_set_that_shares_the_bytes",
        ),
        Off(
            "copies that share bytes are not counted as two",
            "group[root(key)] = root(first)",
            "pass",
            "test_shared_bytes_count_once_as_proven_copies",
        ),
    ),
    *guards_of(
        "dr/catalog/store.py",
        "tests/unit/catalog/test_catalog_store.py",
        Off(
            "a file that is no catalog is refused and not touched",
            'if "alembic_version" not in tables:',
            "if False:",
            "test_a_file_that_is_no_catalog_is_refused_and_not_touched",
            by="Unreachable",
        ),
        Off(
            "a newer dr's catalog is refused",
            "if found is not None and found not in REVISIONS:",
            "if False:",
            "test_a_newer_drs_catalog_is_refused",
            by="CommandError",
        ),
    ),
    *guards_of(
        "dr/engine/slots.py",
        "tests/unit/engine/test_engine_slots.py",
        Off(
            "a forked child does not keep its parent's slot alive",
            "os.register_at_fork(after_in_child=_forget_in_child)",
            "pass",
            "test_a_forked_child_does_not_keep_the_slot",
        ),
        Off(
            "a slot that is held is not given out again",
            "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
            "pass",
            "test_two_holders_have_two_slots",
        ),
        Off(
            "too many processes are refused, not run without a slot",
            (
                'raise Refused(f"{count} processes of dr work in {folder} already", hint="wait until one of them ends; `dr '
                'runs list` shows what runs")'
            ),
            "return take_slot(folder, count + 1)",
            "test_all_taken_is_refused",
        ),
    ),
    *guards_of(
        "dr/notify/channel.py",
        "tests/integration/test_notify_mail.py",
        Off(
            "a URL of which no channel can be made is a failure",
            "if not channel.add(url.strip()) or not len(channel):",
            "if False:",
            "test_a_bad_url_or_an_unreadable_secret_is_a_failure",
        ),
        Off(
            "only what the provider confirmed is delivered",
            "return Sent(True) if status == Status.SUCCESS else",
            "return Sent(True) if True else",
            "test_a_provider_that_never_answers_has_not_confirmed",
        ),
    ),
    *guards_of(
        "dr/policy/escalation.py",
        "tests/integration/test_notify_mail.py",
        Off(
            "who was reached is not told again",
            "if reached and not notice.acknowledge and not (every and all(delivery.round == notice.round for delivery in ever)):",
            "if False:",
            "test_who_was_reached_before_a_crash_is_not_told_again",
        ),
        Off(
            "a notice that reached only some is not delivered",
            "if walk.met == walk.tracks:",
            "if reached:",
            "test_one_of_two_people_is_partial_and_a_second_channel_helps",
        ),
    ),
    *guards_of(
        "dr/report/write.py",
        "tests/unit/report/test_report_tamper.py",
        Off("the page is told from the evidence", 'if text.lstrip()[:1] == b"<":', "if False:", "test_the_page_is_told_from_the_evidence"),
        Off(
            "a strange file is damage, not a crash",
            'raise Damaged("this is no evidence file of dr, or it was cut short or changed") from None',
            "raise",
            "test_no_changed_byte_passes",
            by="ValidationError ExceptionGroup",
        ),
        Off(
            "evidence has one spelling",
            "if written(signed.evidence, signed.key, signature) != text:",
            "if False:",
            "test_the_same_content_written_otherwise_is_not_the_file",
        ),
        Off(
            "genuine evidence of a later format is refused, not misread",
            (
                'raise Refused(f"genuine, but this dr cannot read it: {said} wrote it", hint="verify it with that version '
                'or a later one") from None'
            ),
            "raise",
            "test_a_later_format_is_genuine_and_refused",
            by="ValidationError",
        ),
    ),
)
