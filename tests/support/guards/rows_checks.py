"""What a restored system is proven by."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/checks/content_equals_source.py",
        "tests/integration/test_proof_checks.py",
        Off(
            "a missing database is a difference",
            "for name in sorted(expected - there)]",
            "for name in ()]",
            "test_a_missing_database_is_named",
        ),
        Off(
            "a database too many is a difference",
            "for name in sorted(there - expected)]",
            "for name in ()]",
            "test_a_database_more_and_a_role_changed_are_named",
        ),
        Off(
            "an artifact without a proof is a difference",
            'elif "database" not in reader.index.content:',
            "elif False:",
            "test_an_artifact_without_a_proof_is_never_green",
        ),
    ),
    *guards_of(
        "dr/checks/needle.py",
        "tests/integration/test_proof_checks.py",
        Off(
            "a needle that was looked for nowhere was not found",
            "passed=examined > 0 and not wrong",
            "passed=not wrong",
            "tests/contracts/test_check_contract.py::test_a_check_that_finds_nothing_to_look_at_never_passes",
        ),
        Off(
            "a restored system without the needle fails",
            "if token not in held:",
            "if False:",
            "tests/contracts/test_check_contract.py::test_a_bad_restore_fails_and_is_named_without_client_data",
        ),
        Off(
            "a needle that a stranger signed proves nothing",
            '    except Damaged:\n        return "its token was signed by no trusted key"',
            "    except Damaged:\n        pass",
            "test_a_token_that_proves_nothing_is_named",
        ),
        Off(
            "a needle of another set proves nothing",
            'return "" if named == set_id else "its token names another set"',
            'return ""',
            "test_a_token_that_proves_nothing_is_named",
        ),
        Off(
            "a needle is not read through a link",
            "if file.is_symlink() or not file.is_file():",
            "if not file.is_file():",
            "test_a_file_sets_needle_is_read_but_no_link_is_followed",
        ),
    ),
    *guards_of(
        "dr/checks/postgres.py",
        "tests/integration/test_proof_checks.py",
        Off(
            "a source that was not restored is not passed over",
            "if source not in restored.places:",
            "if False:",
            "test_a_set_that_was_not_restored_is_refused",
            by="KeyError",
        ),
    ),
    *guards_of(
        "dr/checks/site_files_equal.py",
        "tests/integration/test_files_source.py",
        Off("files that were not compared are not equal", "if not examined:", "if False:", "test_a_set_without_files_proves_nothing"),
    ),
    *guards_of(
        "dr/checks/sql_assertion.py",
        "tests/integration/test_proof_checks.py",
        Off(
            "an assertion that gives no single value fails",
            "if len(rows) != 1 or len(rows[0]) != 1:",
            "if False:",
            "test_an_assertion_says_no_text_of_the_database",
        ),
        Off(
            "true is not taken for 1",
            "if isinstance(value, bool) or isinstance(expected, bool):",
            "if False:",
            "test_an_assertion_says_no_text_of_the_database",
        ),
    ),
)
