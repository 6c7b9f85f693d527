"""The command `assetline`: a client of the AWS APIs and of Vi.

A folder holds the commands of one group; `main` registers them. `context` has what every command works with: AWS, the
clock and the terminal. `errors`, `error_reporting` and `exit_codes` decide how a command ends.
"""
