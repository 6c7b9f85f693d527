"""Runs MiniStack, in its own environment: what its servers write leaves at once.

Its Lambda writes the head and the body of an event apart, and the body then waited 40 ms for the function's delayed
acknowledgement of the head, at every invocation. Nothing on AWS waits like that.

It is run as a file and imports nothing of the project, which that environment does not have.
"""

import runpy
import socketserver

if __name__ == "__main__":
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    runpy.run_module("ministack", run_name="__main__")
