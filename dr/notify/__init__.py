"""Where people are told: the ledger of notices owed and delivered, their channels, and what they say.

Here: who is meant (`audience`), what a run's story is in words (`story`, `render`, `templates/`), how one message goes through one channel
(`channel`), and the order that makes it safe (`ledger`: owed before sent, each result recorded). Not here: whether and when to tell
(runbooks and policy), nor the ledger's table (`catalog`).
To add a message: `templates/<name>.txt.j2`, its first line the subject, over the fields of `story.Story`; and its text in
tests/integration/test_notify_templates.py. A kind of channel is Apprise's to add: it is a URL in a contact.
"""
