"""The exit statuses of the commands."""

COMPLETE, FAILED, INTERRUPTED = 0, 1, 130  # 128 + SIGINT is the convention of shells
SAME, DIFFERENT, TROUBLE = 0, 1, 2  # diff(1)
