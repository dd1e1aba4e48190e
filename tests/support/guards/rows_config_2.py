"""What a person writes, and the secrets and keys that it names."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/config/scalars.py",
        "tests/unit/config/test_config_yaml_corpus.py",
        Off("yes, no, on and off are not guessed", "if text.lower() in _YES_NO:", "if False:", "test_a_bad_file_is_told_exactly"),
        Off("12:30 is not taken for 750", "if _CLOCK.fullmatch(text):", "if False:", "test_a_bad_file_is_told_exactly"),
        Off("010 is not taken for 8", "if _OCTAL.fullmatch(text):", "if False:", "test_a_bad_file_is_told_exactly"),
        Off(
            "hexadecimal, exponents and infinities are not guessed",
            "if _OTHER.fullmatch(text):",
            "if False:",
            "test_a_bad_file_is_told_exactly",
        ),
    ),
    *guards_of(
        "dr/config/secrets.py",
        "tests/unit/config/test_config_secrets.py",
        Off(
            "a secret that names no place is refused",
            'raise Refused("a secret names no place", hint="write !secret {file: ...}, {env: ...} or {credential: ...}")',
            'return ""',
            "test_a_secret_without_a_place_is_refused",
        ),
        Off(
            "an unset variable is told before anything runs",
            "if not env.get(name):",
            "if False:",
            "test_every_secret_that_is_not_there_is_told_before_a_run",
            by="KeyError",
        ),
        Off(
            "no folder of credentials is guessed", "if not folder:", "if False:", "test_a_secret_without_a_place_is_refused", by="TypeError"
        ),
        Off(
            "a credential cannot leave its folder",
            'if "/" in name or name in ("", ".", ".."):',
            "if False:",
            "test_a_credential_cannot_leave_its_folder",
        ),
        Off(
            "a secret's file that is not there is told with its remedy",
            "raise Refused(f\"{what}: {(error.strerror or 'cannot be opened').lower()}\", hint=_how_to_make(path)) from None",
            "raise",
            "tests/unit/config/test_config_home_made.py::test_a_new_home_passes_as_it_is",
            by="FileNotFoundError",
        ),
        Off(
            "a pipe or a folder is no secret",
            "if not stat.S_ISREG(mode):",
            "if False:",
            "test_what_is_not_a_plain_small_text_file_is_refused_at_once",
        ),
        Off(
            "a secret that others can read is refused",
            "if private and mode & 0o077:",
            "if False:",
            "test_a_file_that_others_can_read_is_refused",
        ),
        Off(
            "a large file is no secret",
            "if len(data) > MAX_BYTES:",
            "if False:",
            "test_what_is_not_a_plain_small_text_file_is_refused_at_once",
        ),
        Off(
            "bytes that are no text are no secret",
            'raise Refused(f"{what} is not UTF-8 text", hint="is this the right file?") from None',
            "raise",
            "test_what_is_not_a_plain_small_text_file_is_refused_at_once",
            by="UnicodeDecodeError",
        ),
        Off("an empty file is no secret", "if not text:", "if False:", "test_what_is_not_a_plain_small_text_file_is_refused_at_once"),
    ),
    *guards_of(
        "dr/config/steps.py",
        "tests/unit/config/test_config_home_corpus.py",
        Off(
            "a step under steps needs an id",
            'if view.section == "steps" and view.node.get("id") is None and not view.node.bad:',
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off("two steps of one id are an error", "elif view.id in seen:", "elif False:", "test_a_bad_home_is_told_exactly"),
    ),
)
