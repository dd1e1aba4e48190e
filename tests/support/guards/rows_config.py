"""What a person writes, and the secrets and keys that it names."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/config/init.py",
        "tests/unit/demo/test_demo_homefiles.py",
        Off("a home is not made over other things", "if strange:", "if False:", "test_a_folder_with_other_things_is_refused"),
        Off(
            "a home is not made in the place of a file",
            "if path.exists() and not path.is_dir():",
            "if False:",
            "tests/unit/config/test_config_home_made.py::test_init_refuses_a_file_in_its_place",
            by="FileExistsError",
        ),
    ),
    *guards_of(
        "dr/config/inventory_rules.py",
        "tests/unit/config/test_config_home_corpus.py",
        Off(
            "a name that nothing bears is an error",
            "if word is not None and not names.has(noun, word):",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off(
            "a runbook that is not there is an error",
            "if word is not None and word not in runbooks:",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off("one office is the main office", "if not main:", "if False:", "test_a_bad_home_is_told_exactly"),
        Off(
            "a private key does not stand in the inventory",
            'if word.startswith("AGE-SECRET-KEY"):',
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off("a recipient is an age public key", "elif not _is_recipient(word):", "elif False:", "test_a_bad_home_is_told_exactly"),
        Off("the drill and the escrow key are two", "elif word in seen:", "elif False:", "test_a_bad_home_is_told_exactly"),
        Off(
            "the privacy limit leaves the kept period whole",
            "if keep is not None and expire is not None and expire < keep:",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off(
            "a target is not later than what is promised",
            "if rto is not None and target is not None and target > rto:",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off("a copy does not wait for itself", "if _text(node) == stars[-1]:", "if False:", "test_a_bad_home_is_told_exactly"),
    ),
    *guards_of(
        "dr/config/whole.py",
        "tests/unit/config/test_config_whole.py",
        Off(
            "files that are kept are believed only under their seal",
            "if len(lines) == 3 and hmac.compare_digest(seal, _seal(home, lines)) else None",
            "",
            "test_what_is_not_as_it_was_sealed_is_not_believed",
        ),
        Off(
            "another release does not believe them",
            'if (head["written"], head["release"]) == (_WRITTEN, release):',
            "if True:",
            "test_what_is_not_as_it_was_sealed_is_not_believed",
        ),
    ),
    *guards_of(
        "dr/config/keys.py",
        "tests/unit/config/test_config_home_made.py",
        Off("a digest key is 32 bytes", "if len(key) != 32:", "if False:", "test_a_home_without_a_drill_key_says_so"),
        Off(
            "a home without a drill key says so",
            "if self._keys.identity is None:",
            "if False:",
            "test_a_home_without_a_drill_key_says_so",
            by="AttributeError",
        ),
        Off(
            "a signing key that is no key is refused",
            (
                'raise Refused("the signing key cannot be read", hint="it is an unencrypted Ed25519 key in PEM, as dr init '
                'makes it") from None'
            ),
            "raise",
            "test_a_home_without_a_drill_key_says_so",
            by="ValueError",
        ),
        Off(
            "a signing key of another kind is refused",
            "if not isinstance(key, Ed25519PrivateKey):",
            "if False:",
            "test_another_kind_of_key_is_refused",
            by="AttributeError",
        ),
        Off(
            "a trusted key that is not there is an error, not a key less",
            (
                'raise Refused(f"the trusted key {name} cannot be read", hint="it is an Ed25519 public key in PEM, below '
                'the home") from None'
            ),
            "raise",
            "test_a_home_without_a_drill_key_says_so",
            by="FileNotFoundError",
        ),
        Off(
            "a trusted key of another kind is refused",
            "if not isinstance(key, Ed25519PublicKey):",
            "if False:",
            "test_another_kind_of_key_is_refused",
            by="AttributeError",
        ),
        Off(
            "a signature by a key that is not trusted is not believed",
            "                key.verify(signature, data)\n",
            "                pass\n",
            "test_what_the_keyring_signs_it_believes_and_nothing_else",
        ),
        Off(
            "a drill key's file without a key is refused",
            "if found is None:",
            "if False:",
            "test_a_home_without_a_drill_key_says_so",
            by="TypeError",
        ),
    ),
    *guards_of(
        "dr/config/loader.py",
        "tests/unit/config/test_config_yaml_corpus.py",
        Off(
            "an empty file is an error",
            "if root is None or (isinstance(root, Scalar) and root.value is None and not root.bad):",
            "if False:",
            "tests/unit/config/test_config_loader.py::test_any_bytes_give_a_tree_or_problems",
            by="AttributeError",
        ),
        Off("a second document in a file is an error", "if root is not None:", "if False:", "test_a_bad_file_is_told_exactly"),
        Off("aliases cannot blow up", "if self.nodes > self.limits.values:", "if False:", "test_a_bad_file_is_told_exactly"),
        Off(
            "a few aliases are enough",
            "if self.aliases > self.limits.aliases:",
            "if False:",
            "tests/unit/config/test_config_loader.py::test_aliases_cannot_blow_up",
        ),
        Off(
            "an alias of nothing, or of itself, is an error",
            "if target is None:",
            "if False:",
            "test_a_bad_file_is_told_exactly",
            by="KeyError",
        ),
        Off(
            "a tagged word is an error",
            "if event.tag is not None:\n            return self._bad(event, *_tag(event.tag))",
            "if False:\n            return self._bad(event, *_tag(event.tag))",
            "test_a_bad_file_is_told_exactly",
        ),
        Off(
            "a word that YAML readers disagree on is an error",
            "if isinstance(value, Surprise):",
            "if False:",
            "test_a_bad_file_is_told_exactly",
        ),
        Off("deep nesting is an error", "if self.depth > self.limits.depth:", "if False:", "test_a_bad_file_is_told_exactly"),
        Off(
            "a tagged list is an error",
            "if event.tag is not None:\n            self._bad(event, *_tag(event.tag))",
            "if False:\n            self._bad(event, *_tag(event.tag))",
            "test_a_bad_file_is_told_exactly",
        ),
        Off("a secret's place is checked", "if node.secret:", "if False:", "test_a_bad_file_is_told_exactly"),
        Off("a key that is written twice is an error", "if key.text in table.entries:", "if False:", "test_a_bad_file_is_told_exactly"),
        Off(
            "a name must be text",
            "if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:",
            "if False:",
            "tests/unit/config/test_config_loader.py::test_any_text_gives_a_tree_or_problems",
            by="AttributeError",
        ),
        Off("merge keys are not read", 'if event.value == "<<" and not event.style:', "if False:", "test_a_bad_file_is_told_exactly"),
        Off(
            "a name that some readers take for a number is an error",
            "if not event.style and not isinstance(read_plain(event.value), str):",
            "if False:",
            "test_a_bad_file_is_told_exactly",
        ),
        Off(
            "a secret is kept in one place",
            "if not problems and not node.bad and len(values) != 1:",
            "if False:",
            "test_a_bad_file_is_told_exactly",
        ),
    ),
    *guards_of(
        "dr/config/references.py",
        "tests/unit/config/test_config_home_corpus.py",
        Off("a reference to no step is an error", "if other is None:", "if False:", "test_a_bad_home_is_told_exactly"),
        Off("a step does not refer to itself", "if name == view.id:", "if False:", "test_a_bad_home_is_told_exactly"),
        Off("a reference to a later step is an error", "if late:", "if False:", "test_a_bad_home_is_told_exactly"),
        Off(
            "a reference to a step that may be left out is an error",
            "if other.only and other.only != view.only:",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
    ),
    *guards_of(
        "dr/config/runbooks.py",
        "tests/unit/config/test_config_home_corpus.py",
        Off(
            "a runbook is called as its file",
            "if isinstance(name, Scalar) and isinstance(name.value, str) and name.value != stem:",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off(
            "a runbook's target is not later than its objective",
            "if isinstance(objective, Table):",
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off(
            "a drill without a check is an error",
            'if not any(view.action == "check" and view.section == "steps" for view in steps):',
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
        Off(
            "a drill that leaves client data is an error",
            'if not any(view.action == "scrub" and view.section == "always" for view in steps):',
            "if False:",
            "test_a_bad_home_is_told_exactly",
        ),
    ),
)
