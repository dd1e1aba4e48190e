"""What is backed up and restored, and the programs and formats of databases."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/demo/hmis/generate.py",
        "tests/integration/test_demo_hmis.py",
        Off("the demo fills only an empty database", "if found and found[0]:", "if False:", "test_a_database_with_tables_is_refused"),
    ),
    *guards_of(
        "dr/drivers/files/listing.py",
        "tests/integration/test_proof_dangers.py",
        Off(
            "a list of files of another format is said as such",
            'if facts["format"] != FORMAT:',
            "if False:",
            "test_a_list_of_files_of_another_format_is_said_as_such",
        ),
    ),
    *guards_of(
        "dr/drivers/postgres/compare.py",
        "tests/unit/drivers/test_proof_globals_text.py",
        Off(
            "proofs by different methods are not compared",
            'if expected["method"] != found["method"]:',
            "if False:",
            "tests/unit/drivers/test_proof_compare.py::test_proofs_that_were_made_otherwise_are_not_compared",
        ),
        Off(
            "proofs of another version are said as such",
            'if expected["version"] != found["version"]:',
            "if False:",
            "tests/integration/test_proof_dangers.py::test_a_proof_of_another_version_is_said_as_such",
        ),
        Off(
            "a role's other password is a difference",
            'elif f"role {role}" in left.keys() & right.keys():',
            "elif False:",
            "test_every_change_is_named",
        ),
    ),
    *guards_of(
        "dr/drivers/postgres/dump.py",
        "tests/integration/test_postgres_logical_refusals.py",
        Off("staging is sized before it is used", "if free < needed:", "if False:", "test_staging_is_sized_before_it_is_used"),
    ),
    *guards_of(
        "dr/drivers/postgres/needle.py",
        "tests/integration/test_postgres_logical_refusals.py",
        Off(
            "no needle in a read-only database",
            "if _value(connection, \"SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool\"):",
            "if False:",
            "test_a_needle_is_refused_before_any_is_planted",
        ),
        Off("no needle in a published database", "if published:", "if False:", "test_a_needle_is_refused_before_any_is_planted"),
        Off(
            "no needle in a table that is not ours",
            "if shape and shape != _SHAPE:",
            "if False:",
            "test_a_needle_is_refused_before_any_is_planted",
        ),
    ),
    *guards_of(
        "dr/drivers/postgres/tar.py",
        "tests/unit/drivers/test_pg_tar.py",
        Off(
            "a file that shrinks while it is read is damage", "if left:", "if False:", "test_a_file_that_shrinks_while_it_is_read_is_damage"
        ),
        Off(
            "only a dump's own files are taken, each once",
            "if not flat or member.name in seen:",
            "if False:",
            "test_a_name_twice_is_damage",
            by="FileExistsError",
        ),
        Off(
            "a dump without its table of contents is damage",
            'if "dump/toc.dat" not in seen:',
            "if False:",
            "test_a_dump_without_its_table_of_contents_is_damage",
        ),
        Off(
            "the globals hold two members and no more",
            'if [name for name, _ in members] != ["globals.sql"]:',
            "if False:",
            "test_globals_hold_two_members",
        ),
        Off(
            "what is no tar is damage",
            'raise Damaged("the artifact is not a tar stream", hint=_HINT) from None',
            "raise",
            "test_a_stream_that_ends_early_is_damage",
            by="ReadError",
        ),
        Off(
            "a tar with a broken member is damage",
            'raise Damaged("the artifact\'s tar stream is broken", hint=_HINT) from None',
            "raise",
            "test_a_broken_member_is_damage",
            by="ReadError",
        ),
        Off(
            "only plain files are taken from a dump",
            "if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():",
            "if False:",
            "test_only_flat_plain_files_are_taken",
        ),
        Off(
            "a dump begins with its description",
            "if first is None or first.name != name:",
            "if False:",
            "test_what_describes_nothing_is_damage",
        ),
        Off(
            "a description that cannot be read is damage",
            "if not isinstance(found, dict):",
            "if False:",
            "test_what_describes_nothing_is_damage",
        ),
        Off(
            "a description without end is not read into memory",
            "if member.size > _HEAD_LIMIT:",
            "if False:",
            "test_what_describes_nothing_is_damage",
        ),
        Off(
            "a tar that ends in its description is damage",
            (
                'raise Damaged("the artifact\'s tar stream ends too early", hint=_HINT) from None\n\n\ndef _copy(archive: '
                "tarfile.TarFile, member: tarfile.TarInfo, to: Path, watch: Callable[[], None]) -> None:"
            ),
            ("raise\n\n\ndef _copy(archive: tarfile.TarFile, member: tarfile.TarInfo, to: Path, watch: Callable[[], None]) -> None:"),
            "test_a_stream_that_ends_early_is_damage",
            by="ReadError",
        ),
        Off(
            "a tar that ends in a file is damage",
            'raise Damaged("the artifact\'s tar stream ends too early", hint=_HINT) from None\n    if written != member.size:',
            "raise\n    if written != member.size:",
            "test_a_stream_that_ends_early_is_damage",
            by="ReadError",
        ),
    ),
    *guards_of(
        "dr/sources/files.py",
        "tests/integration/test_files_source.py",
        Off(
            "a needle that cannot be planted is refused",
            (
                "raise Refused(\n                    f\"the needle of file set '{request.name}' cannot be planted "
                '({os.strerror(error.errno or 0)})",\n                    hint="set `needle: false` for this source, or let '
                'dr write to its folder",\n                ) from None'
            ),
            "raise",
            "test_the_needle_is_refused_where_nothing_may_be_written",
        ),
        Off(
            "nothing is loaded over what is there",
            'raise Refused(f"{into} is there already", hint="a restore begins in a place that it has just claimed") from None',
            "raise",
            "tests/contracts/test_source_contract.py::test_nothing_is_loaded_over_what_is_there",
            by="FileExistsError",
        ),
    ),
    *guards_of(
        "dr/sources/postgres_reading.py",
        "tests/integration/test_postgres_logical_refusals.py",
        Off(
            "a user who cannot read everything backs up nothing",
            "if not server.superuser:",
            "if False:",
            "test_a_user_who_cannot_read_everything_is_refused",
        ),
    ),
    *guards_of(
        "dr/sources/postgres_restore.py",
        "tests/integration/test_postgres_logical_refusals.py",
        Off(
            "a set without its roles is damage",
            "if len(found) != 1:",
            "if False:",
            "test_a_set_without_its_roles_is_damaged",
            by="IndexError",
        ),
        Off(
            "a set without one of its databases is damage",
            "if missing:",
            "if False:",
            "test_a_set_without_a_database_is_damaged",
            by="KeyError",
        ),
        Off(
            "a place that holds a cluster is not restored into",
            "if data.exists():",
            "if False:",
            "test_a_place_that_holds_a_cluster_is_refused",
        ),
        Off(
            "a port in use is refused before anything is loaded",
            (
                'raise Refused(\n                f"port {port} of the standby is in use", hint="stop what listens there, or '
                "set another 'port' under the host's 'postgres'\"\n            ) from None"
            ),
            "raise",
            "test_a_port_in_use_is_refused",
            by="OSError",
        ),
    ),
)
