"""The operator's command, `assetline`: a thin client of the AWS APIs.

Modules in the order of the flow: `app` reads the command line, `request` says what is asked for, `stack` finds the
deployed stack, `execution` starts and describes, `exports` reads the progress, `watch` looks once a second, `view` and
`summary` show it, `download` brings the file. `follow` ties the last five together.
"""
