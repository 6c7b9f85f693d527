"""The command `assetline`: a client of the AWS APIs and of Vi.

A folder holds the commands of one group; `main` registers them. `context` holds the dependencies of every command:
AWS, the clock and the terminal. `errors`, `error_reporting` and `exit_codes` define the ends of a command.
"""
