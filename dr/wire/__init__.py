"""How two `dr` processes talk over a pair of byte streams, as an SSH connection gives them: calls both ways, bytes, signs of life.

Here: frames and the link, which know nothing of what is called, and the stream below a link that outlives its lines (`lines`): what
was not taken over one is sent again over the next (`lasting`), which is sought by who asked (`rejoin`) and handed to the work that goes
on over there (`dr/app/agent/unit`). So no verb knows of a cut. Not here: what may be asked (`dr/hosts/desk.py`, `dr/app/agent`).
Every value that crosses is JSON or plain bytes; nothing that arrives is ever run or unpickled.
"""
