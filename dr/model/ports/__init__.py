"""The doors between the rooms: what an action is, and the Protocols that sources, repositories, hosts and checks fulfil.

An action, source or check receives a `StepContext` and reaches everything else through it; none of them imports another room.
One file a room; all names are given out here. A new door is a file, and its line below.
"""

from dr.model.ports.action import Action, Effect, Outcome, Rehearsal, RehearseContext
from dr.model.ports.bytes import ArtifactReader, ArtifactSink, OpenSet, SetWriter
from dr.model.ports.check import Check, Probe, Restored
from dr.model.ports.duties import DutyLedger
from dr.model.ports.host import Host, HostKind, HostRequest, ServingHost, Standing, WritableHost
from dr.model.ports.incidents import IncidentLedger
from dr.model.ports.keys import Keyring
from dr.model.ports.notices import Code, Ledger
from dr.model.ports.outages import OutageLedger
from dr.model.ports.people import Carried, Notifier, Post, Reporter, Telling, Word
from dr.model.ports.process import Completed, Process, Runner
from dr.model.ports.records import Records
from dr.model.ports.redundancy import Looking, ReadingRecords, Redundant
from dr.model.ports.repository import Repository, RepositoryKind, RepositoryOpener, SetUpload
from dr.model.ports.sets import Mended, Sets, Verified, Written
from dr.model.ports.source import CaptureRequest, ReplayOrder, Replays, Source
from dr.model.ports.step import StepContext

__all__ = [
    "Action",
    "ArtifactReader",
    "ArtifactSink",
    "CaptureRequest",
    "Carried",
    "Check",
    "Code",
    "Completed",
    "DutyLedger",
    "Effect",
    "Host",
    "HostKind",
    "HostRequest",
    "IncidentLedger",
    "Keyring",
    "Ledger",
    "Looking",
    "Mended",
    "Notifier",
    "OpenSet",
    "OutageLedger",
    "Outcome",
    "Post",
    "Probe",
    "Process",
    "ReadingRecords",
    "Records",
    "Redundant",
    "Rehearsal",
    "RehearseContext",
    "ReplayOrder",
    "Replays",
    "Reporter",
    "Repository",
    "RepositoryKind",
    "RepositoryOpener",
    "Restored",
    "Runner",
    "ServingHost",
    "SetUpload",
    "SetWriter",
    "Sets",
    "Source",
    "Standing",
    "StepContext",
    "Telling",
    "Verified",
    "Word",
    "WritableHost",
    "Written",
]
