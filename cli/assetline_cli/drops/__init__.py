"""The operator's commands for drops: files put into the drop bucket and followed until they are assets, or refused.

`commands` is what the command line takes; `drop` ties together `files` (what is here), `upload` (into the bucket),
`follow` (in the ledger), `progress` (on the screen) and `summary`. `listing`, `sessions` and `retry` work on what the
stack knows.
"""
