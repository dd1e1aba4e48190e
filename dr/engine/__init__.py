"""Where a plan runs, durably: kill it anywhere and it resumes.

Here: the one workflow (`durable`, the only file that knows DBOS), the order in which its steps come (`order`, pure), an attempt at a step
(`step`), what a step may reach (`context`), who lives (`slots`), where it may be killed (`failpoints`), and the face for `app` and
`cli` (`runner`, `control`). Not here: what a step does (`actions`), what a run is worth (`policy.verdict`), SQL of our own (`catalog`).
The rooms' collaborators come in through `services.Services`, which `app` fulfils.
To add a control message: a branch in `order.Course.heed`, and its test. A change of the workflow's own operations changes
`version.ENGINE_VERSION`, since a run that is under way replays them.
"""
