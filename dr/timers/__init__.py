"""What fires runbooks without a daemon: systemd's timers, and cron where there is no systemd. Text in and out, nothing is run.

Here: a schedule as systemd says it (`calendar_events`), the units (`units`), the cron line (`cron`). Not here: whether anything is due
(dr/policy/calendar.py), which has the last word: a timer may fire too often, never too seldom. To add another scheduler: one file that
turns `Place` and runbooks into texts, and its line in dr/app/schedule_install.py.
"""
