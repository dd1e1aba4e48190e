"""Bytes as they are stored: signatures, sizes, digests, places."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/stream/encode.py",
        "tests/unit/stream/test_stream_encode.py",
        Off(
            "another's key opens nothing",
            ('raise Damaged("it cannot be decrypted with this key", hint="is the drill key one of the set\'s recipients?") from None'),
            "raise",
            "test_anothers_key_opens_nothing",
            by="DecryptError",
        ),
        Off(
            "a broken frame is damage",
            'raise Damaged("its zstd frame is broken") from None',
            "raise",
            "test_what_is_not_one_whole_frame_is_damage",
            by="ZstdError",
        ),
        Off("no frame unpacks to more than it may", "if len(plain) > limit:", "if False:", "test_a_byte_more_than_the_limit_is_damage"),
        Off(
            "what follows a frame is damage",
            "if not unpacker.eof or unpacker.unused_data:",
            "if False:",
            "test_what_is_not_one_whole_frame_is_damage",
        ),
    ),
    *guards_of(
        "dr/stream/holds.py",
        "tests/integration/test_holds.py",
        Off(
            "a hold's signature is checked",
            'keys.verify(canonical(envelope["hold"]), base64.b64decode(envelope["signature"], validate=True))',
            'base64.b64decode(envelope["signature"], validate=True)',
            "test_a_hold_that_nobody_of_ours_signed_keeps_the_set_and_is_told",
        ),
        Off(
            "what is no hold is told as strange",
            'raise Damaged("it is not a hold") from None',
            "raise",
            "test_a_hold_that_nobody_of_ours_signed_keeps_the_set_and_is_told",
            by="KeyError",
        ),
        Off(
            "a hold of another set holds nothing here",
            "if (hold.system, hold.set) != (system, set_id):",
            "if False:",
            "test_a_hold_that_nobody_of_ours_signed_keeps_the_set_and_is_told",
        ),
    ),
    *guards_of(
        "dr/stream/home.py",
        "tests/integration/test_stored_homes.py",
        Off(
            "another organisation's home is not ours",
            "if (manifest.organisation, manifest.name) != (organisation, name):",
            "if False:",
            "test_another_organisations_home_is_not_ours",
        ),
        Off(
            "a future format of homes is refused",
            "if isinstance(number, int) and number > FORMAT:",
            "if False:",
            "test_a_home_of_a_future_format_is_refused",
        ),
        Off(
            "a home's manifest that cannot be read is damage",
            'raise Damaged(f"{where}: {MANIFEST} cannot be read") from None',
            "raise",
            "test_a_flipped_byte_is_found_and_an_older_home_is_taken",
            by="ValidationError",
        ),
        Off(
            "a home that was changed is damage",
            'raise Damaged(f"{where}: its signature does not fit") from None',
            "raise",
            "test_a_flipped_byte_is_found_and_an_older_home_is_taken",
        ),
        Off(
            "a changed part of a home is damage",
            "if hashlib.sha256(data).hexdigest() != part.sha256:",
            "if False:",
            "test_a_flipped_byte_is_found_and_an_older_home_is_taken",
            by="Damaged",
        ),
    ),
    *guards_of(
        "dr/stream/homepack.py",
        "tests/integration/test_stored_homes.py",
        Off(
            "an age key among the settings is not stored",
            'if not path.startswith("keys/") and path not in secrets:',
            "if False:",
            "test_an_age_key_among_the_settings_is_refused",
        ),
        Off(
            "a home that is no tar is damage",
            'raise Damaged(f"the stored home is no tar stream: {type(error).__name__}") from None',
            "raise",
            "test_a_name_that_comes_twice_and_a_cut_stream_are_damage",
            by="ReadError",
        ),
        Off(
            "a home with a name twice is damage",
            'raise Damaged(f"the stored home holds {path!r} twice") from None',
            "raise",
            "test_a_name_that_comes_twice_and_a_cut_stream_are_damage",
            by="FileExistsError",
        ),
        Off(
            "links and devices in a stored home are damage",
            "if not member.isreg() or member.issparse():",
            "if False:",
            "test_a_hostile_stream_makes_nothing_outside_and_no_home",
        ),
        Off(
            "no dots lead out of a home that is laid out",
            'member.name.startswith("/") or any(part in {"", ".", ".."} or "\\0" in part for part in member.name.split("/"))',
            'member.name.startswith("/")',
            "test_a_hostile_stream_makes_nothing_outside_and_no_home",
            by="ConfigProblems",
        ),
        Off(
            "no path leads out of a home that is laid out",
            'if member.name.startswith("/") or any(part in {"", ".", ".."} or "\\0" in part for part in member.name.split("/")):',
            "if False:",
            "tests/unit/stream/test_stream_homepack.py::test_no_name_leads_out",
        ),
    ),
    *guards_of(
        "dr/stream/layout.py",
        "tests/unit/stream/test_stream_encode.py",
        Off(
            "a signature that is not base64 is damage",
            'raise Damaged("a signature is not base64") from None',
            "raise",
            "test_a_signature_has_one_spelling",
            by="Error",
        ),
        Off("a signature has one spelling", "if write_signature(signature) != stored:", "if False:", "test_a_signature_has_one_spelling"),
        Off(
            "an audit head that cannot be read is damage",
            'raise Damaged(f"{AUDIT_HEAD} of set {set_id} cannot be read") from None',
            "raise",
            "test_an_audit_head_belongs_to_its_set",
            by="JSONDecodeError",
        ),
        Off("an audit head belongs to its set", "if where != (system, set_id):", "if False:", "test_an_audit_head_belongs_to_its_set"),
        Off(
            "an audit head has one spelling",
            'if stored != spelling or base64.b64encode(signature).decode() != json.loads(stored)["signature"]:',
            "if False:",
            "test_an_audit_head_has_one_spelling",
        ),
    ),
    *guards_of(
        "dr/stream/reader.py",
        "tests/integration/test_format1_faults.py",
        Off(
            "a manifest that no key of ours signed is damage",
            'raise Damaged(f"{where}: {problem.message}", hint=problem.hint) from None\n    manifest = _parse(stored, where)',
            "raise\n    manifest = _parse(stored, where)",
            "test_a_manifest_that_was_touched_is_not_believed",
        ),
        Off(
            "a set in another's place is found",
            "if (manifest.organisation, manifest.system, manifest.set) != (organisation, system, set_id):",
            "if False:",
            "test_another_organisations_set_is_found",
        ),
        Off(
            "a future format is refused with its remedy",
            "if isinstance(number, int) and number > FORMAT:",
            "if False:",
            "tests/integration/test_format1_sets.py::test_a_future_format_is_refused_with_its_remedy",
            by="Damaged",
        ),
        Off(
            "a key that is no recipient's is said before anything is read",
            "if decoder.recipients.isdisjoint(manifest.recipients):",
            "if False:",
            "tests/integration/test_canary.py::test_a_wrong_drill_key_does_not_close_the_due_date",
            by="IndexError",
        ),
        Off(
            "an index of another set is found",
            "if index.set != set_id or {name: len(one.plain) for name, one in index.artifacts.items()} != expected:",
            "if False:",
            "test_an_index_of_another_set_is_found",
        ),
        Off(
            "a part that cannot be decoded is named",
            (
                'raise Damaged(f"{where}: {problem.message}", hint=problem.hint) from None\n        if not '
                "hmac.compare_digest(plain_digest(bytes.fromhex(of.index.key), plain), self.index.plain[part.number]):"
            ),
            ("raise\n        if not hmac.compare_digest(plain_digest(bytes.fromhex(of.index.key), plain), self.index.plain[part.number]):"),
            "test_what_cannot_be_decoded_is_named",
        ),
        Off(
            "what was encoded from other bytes is found by the index",
            "if not hmac.compare_digest(plain_digest(bytes.fromhex(of.index.key), plain), self.index.plain[part.number]):",
            "if False:",
            "test_what_was_encoded_from_other_bytes_is_found_by_the_index",
        ),
    ),
    *guards_of(
        "dr/stream/stored.py",
        "tests/integration/test_format1_sets.py",
        Off(
            "an object with bytes behind it is found",
            "if file.read(1):",
            "if False:",
            "tests/integration/test_format1_faults.py::test_a_damaged_part_is_never_restored",
        ),
        Off(
            "an object that is missing is named",
            'raise Damaged(f"{where}: {problem.message}") from None',
            "raise",
            "test_a_damaged_copy_is_never_copied",
        ),
        Off(
            "an object with a changed byte is found",
            "if hashlib.sha256(data).hexdigest() != sha256:",
            "if False:",
            "test_bytes_that_rotted_are_not_handed_to_another_repository",
        ),
    ),
    *guards_of(
        "dr/stream/verify.py",
        "tests/integration/test_format1_faults.py",
        Off(
            "a changed index is found",
            "found.append((INDEX, manifest.index.size, manifest.index.sha256))",
            "pass",
            "test_what_was_added_is_named",
        ),
        Off("a changed guide is found", "if manifest.guide is not None:", "if False:", "test_what_was_added_is_named"),
    ),
)
