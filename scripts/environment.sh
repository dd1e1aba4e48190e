# The virtual environment, made the same way for the demo, the tests and CI. Sourced by the other scripts; defines functions only.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$top/.venv

say() { printf '%s\n' "$*" >&2; }

# Print the first Python that is new enough and can make a virtual environment.
find_python() {
  local candidate lacking=""
  for candidate in ${DR_PYTHON:+"$DR_PYTHON"} python3.11 python3.12 python3.13 python3.14 python3; do
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
    lacking=$candidate
  done
  if [ -n "$lacking" ]; then
    say "$lacking cannot make a virtual environment: its modules venv and ensurepip are missing."
    say "   HINT: apt-get install $(basename "$lacking")-venv   (Debian and Ubuntu; elsewhere the package that holds ensurepip)"
  else
    say "There is no Python 3.11 or newer here."
    say "   HINT: install one (Debian and Ubuntu: apt-get install python3 python3-venv), or name one: DR_PYTHON=/path/to/python3.12"
  fi
  return 1
}

make_venv() {
  if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    return
  fi
  local python
  python=$(find_python) || return 1
  say "Making the virtual environment .venv with $("$python" --version)."
  "$python" -m venv --clear "$venv"
}

# What an installation rests on: the environment's Python, the project's own list, and the pinned versions.
fingerprint() {
  { "$venv/bin/python" --version; printf '%s\n' "$top"; cat "$top/pyproject.toml" "$top/constraints.txt"; } | cksum | tr -s ' ' '-'
}

# ensure_installed [EXTRAS]: without extras for the tool alone, with `dev,test` for everything. Does nothing when it is already so.
ensure_installed() {
  local extras=${1:-} now stamp
  make_venv || return 1
  now=$(fingerprint)
  for stamp in "$venv/.installed-$extras" "$venv/.installed-dev,test"; do
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
      return
    fi
  done
  say "Installing ${extras:+with $extras }from constraints.txt (once; a minute or two)."
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    -c "$top/constraints.txt" -e "$top${extras:+[$extras]}" || {
    say "The installation failed; nothing was run."
    say "   HINT: pip's own words are above; it needs to reach a package registry (or PIP_INDEX_URL, PIP_NO_INDEX and PIP_FIND_LINKS set)."
    return 1
  }
  printf '%s\n' "$now" >"$venv/.installed-$extras"
}
