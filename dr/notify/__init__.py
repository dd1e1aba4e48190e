"""Where people are told: the ledger of notices owed and delivered, their channels, and what they say.

Here: who is meant (`audience`), what a run's story is in words (`story`) and what else is told from here (`stories`), how a story becomes a
message (`render`, `typed`, `templates/`) and a message fits its channel (`wording`, `channel`, `webhooks`); the one way that every notice
goes (`carrier`: claimed, sent, recorded, many people beside each other); what runs tell (`ledger`), what is told outside of them (`post`),
whether a timer comes by for what waits (`rounds`), how it is acknowledged (`codes`, `acknowledge`) and which channels that proves
(`proven`). Not here: whom to tell next and when (`policy.escalation`, `policy.gathering`), nor the ledger's tables (`catalog`).
To add a run's message: `templates/<name>.txt.j2`, its first line the subject, over the fields of `story.Story`; and its text in
tests/integration/test_notify_templates.py. Any other: `templates/<name>.md.j2`, Markdown, over a model of its own whose name ends in Story,
of named fields of plain kinds; owed as a `Word`. A kind of channel is Apprise's to add: it is a URL in a contact.
"""
