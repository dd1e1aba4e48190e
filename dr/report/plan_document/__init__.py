"""The disaster recovery plan as a document, for whoever asks "may we see your plan": made from what runs, not written by hand.

Here: what it is made from (`facts`), what must not stand in one that is handed on (`outside`), a file for each of its chapters, and its
page. Not here: the compiled runbook, which is `dr.model.runbook.Plan`. To add a chapter: a function from `Facts` to a `Chapter`, and one
line in `document`.
"""
