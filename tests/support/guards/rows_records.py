"""What is on record, who carries a run, who was told, and the evidence."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
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
        "dr/catalog/store.py",
        "tests/unit/catalog/test_catalog_store.py",
        Off(
            "a newer dr's catalog is refused",
            "if found is not None and found not in REVISIONS:",
            "if False:",
            "test_a_newer_drs_catalog_is_refused",
            by="CommandError",
        ),
    ),
    *guards_of(
        "dr/engine/control.py",
        "tests/faults/test_engine_takeover.py",
        Off(
            "runs of another engine's version are not stranded in silence",
            "if foreign:",
            "if False:",
            "test_a_run_of_another_engine_is_refused_loudly",
            by="TimeoutExpired",
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
    ),
    *guards_of(
        "dr/notify/ledger.py",
        "tests/integration/test_notify_mail.py",
        Off(
            "who was reached is not told again",
            (
                "if name not in _reached(notice):\n                notice = self._tell_one(notice, name, contact, lambda: "
                "self._after_send(ctx))"
            ),
            "if True:\n                notice = self._tell_one(notice, name, contact, lambda: self._after_send(ctx))",
            "test_who_was_reached_before_a_crash_is_not_told_again",
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
            by="ValidationError",
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
