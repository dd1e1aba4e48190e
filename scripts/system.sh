# The system's programs that tests use, installed where that is allowed. Sourced; defines functions only.

# program:package, as Debian and Ubuntu name them. A path is looked for as it is.
_wanted=(systemd-analyze:systemd age:age zstd:zstd tar:tar getfattr:attr setpriv:util-linux unshare:util-linux strace:strace man:man-db zsh:zsh fish:fish groff:groff-base ssh:openssh-client /usr/sbin/sshd:openssh-server snmpwalk:snmp /usr/sbin/snmpd:snmpd ip:iproute2)

_absent() {
  local pair
  for pair in "${_wanted[@]}"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s\n' "${pair#*:}"
  done
  grep -rqs 'mark.browser' "$top/tests" && ! command -v chromium >/dev/null 2>&1 && printf 'chromium\n'
  ls /usr/lib/*/libpangoft2-1.0.so.0 /usr/lib*/libpangoft2-1.0.so.0 >/dev/null 2>&1 || printf 'libpango-1.0-0\nlibpangoft2-1.0-0\n'
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || printf 'postgresql\n'
}

_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Never fails: what could not be installed is reported by the tests themselves, with the names of those that it keeps from running.
install_programs() {
  local packages package
  packages=$(_absent | sort -u)
  [ -n "$packages" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1 || { [ "$(id -u)" != 0 ] && ! sudo -n true >/dev/null 2>&1; }; then
    say "Not installed, since that needs root: $(echo $packages)"
    return 0
  fi
  say "Installing the tests' programs: $(echo $packages)"
  _as_root apt-get update -qq >/dev/null 2>&1 || say "apt-get update failed; trying with the lists that are there."
  # A cluster of the distribution's own would take a port and start with the machine; the tests make their own.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    _as_root sh -c 'mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf'
  fi
  for package in $packages; do
    _as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$package" >/dev/null 2>&1 ||
      say "Could not install $package."
  done
}
