"""A home whose inventory is full of what must not be told to strangers, and what there is of it."""

from pathlib import Path

from dr.app import App
from dr.clock import FixedClock
from dr.config.init import init_home
from tests.support.catalog_copies import NOW

PEOPLE = ("Maria Kowalski", "Jo Lindqvist", "Sam Okafor", "Tove Ekdahl", "Ana Petrov")
CONTACTS = ("mkowalski", "jlindqvist", "sokafor", "tekdahl", "apetrov")
ADDRESSES = ("standby.harbor.example", "10.20.30.41", "10.0.0.2", "10.0.0.3", "hmis.harbor.example", "drsvc")
PATHS = (
    "/srv/secret-hmis/site",
    "/srv/dr-standby",
    "/srv/vault-copies",
    "keys/standby.login",
    "keys/known_hosts",
    "/opt/dr/bin/dr",
    "/mnt/raid-of-production",
)
SCHEMES = ("mailtos", "ntfys")
SECRETS = ("a-password", "keys/notify-mk", "keys/production-postgres.password", "mail.harbor.example")
"""What is in no document at all."""

CONTACTS_YAML = """\
contacts:
  mkowalski: {name: Maria Kowalski, office: madison, groups: [administrators], skills: [servers, reporting], deputy: jlindqvist,
    quiet: "22:00-07:00", channels: [!secret {file: keys/notify-mk.url}, !secret {file: keys/notify-mk2.url}]}
  jlindqvist: {name: Jo Lindqvist, office: milwaukee, groups: [administrators], skills: [servers, help-desk, training],
    channels: [!secret {file: keys/notify-mk2.url}]}
  sokafor: {name: Sam Okafor, office: madison, groups: [management], skills: [privacy], channels: [!secret {file: keys/notify-mk.url}]}
  tekdahl: {name: Tove Ekdahl, office: green-bay, skills: [help-desk, reporting], channels: [!secret {file: keys/notify-mk.url}]}
  apetrov: {name: Ana Petrov, office: eau-claire, skills: [servers, training], channels: [!secret {file: keys/notify-mk.url}]}
notices: {quiet: "21:00-06:00"}
"""
HOSTS_YAML = """\
hosts:
  production:
    kind: local
    role: production
    with:
      postgres: {host: 10.20.30.41, port: 5432, user: drsvc, password: !secret {file: keys/production-postgres.password}}
  standby:
    kind: ssh
    role: standby
    with: {address: standby.harbor.example, user: drsvc, key: keys/standby.login, known_hosts: keys/known_hosts, dr: /opt/dr/bin/dr,
      path: /srv/dr-standby}
"""
REDUNDANCY_YAML = """\
redundancy:
  disk: {kind: disk-growth, title: room on the disk, with: {paths: [/mnt/raid-of-production], full_in: 30d}}
  routers: {kind: pair, with: {routers: {left: {host: 10.0.0.2, port: 22}, right: {host: 10.0.0.3, port: 22}}}}
"""
TALKATIVE = """\
runbook: talkative
title: What Maria Kowalski does on standby.harbor.example, in /srv/secret-hmis/site
kind: maintenance
steps:
  - {id: tell, action: notify, with: {to: mkowalski, template: nightly-failed}}
  - {id: do, action: command, with: {host: standby, argv: [/opt/dr/bin/dr, drsvc]}}
  - {id: ask, action: probe, with: {checks: [{check: http-answers, with: {url: "https://hmis.harbor.example/login"}}]}}
"""


def plan_home(place: Path) -> Path:
    """As `dr init` makes it, and then written over."""
    init_home(place, "Harbor", "America/Chicago")
    inventory = place / "inventory"
    for name, text in (("contacts", CONTACTS_YAML), ("hosts", HOSTS_YAML), ("redundancy", REDUNDANCY_YAML)):
        (inventory / f"{name}.yaml").write_text(text)
    (place / "runbooks" / "talkative.yaml").write_text(TALKATIVE)
    for number, scheme in (("", "mailtos"), ("2", "ntfys")):
        kept = place / "keys" / f"notify-mk{number}.url"
        kept.write_text(f"{scheme}://{number}someone:a-password@mail.harbor.example\n")
        kept.chmod(0o600)
    systems = inventory / "systems.yaml"
    said = systems.read_text().replace("path: /srv/hmis/site", "path: /srv/secret-hmis/site")
    said = said.replace("        vault: {rto: 8h, target: 6h}\n", VAULT)
    systems.write_text(said)
    outages = inventory / "outages.yaml"
    outages.write_text(outages.read_text().replace("major: [management, administrators]", "major: [management, mkowalski]"))
    repositories = inventory / "repositories.yaml"
    repositories.write_text(repositories.read_text().replace("path: repositories/bank-vault", "path: /srv/vault-copies"))
    return place


VAULT = """\
        vault:
          rto: 8h
          target: 6h
          declared: {courier: 45m, decision: 15m}
          open: ["Mon-Fri 09:00-17:00"]
          holidays: [2026-12-25]
"""


def plan_app(home: Path) -> App:
    return App.open(str(home), clock=FixedClock(NOW))
