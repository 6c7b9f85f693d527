"""The exit statuses of the command."""

COMPLETE, FAILED, INTERRUPTED = 0, 1, 130  # 128 + SIGINT is the convention of shells
