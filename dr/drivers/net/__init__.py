"""The network, as far as a probe needs it: a connection with a deadline, a verified TLS session, one HTTP request.

Here: how another machine is spoken with, and why it could not be, in words of our own. Not here: what it should answer (checks), when to
ask (actions). Only what the runbook names is spoken to: no proxy of the environment, no redirect to elsewhere.
"""
