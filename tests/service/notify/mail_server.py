"""A mail server in a thread: it takes a letter, refuses, or hangs up, as it is told."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """*refuse* are replies by command, *hang_up* how many conversations end before they begin."""

    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_once: dict[str, str] = field(default_factory=dict)
    hang_up: int = 0
    greets_for_ever: bool = False
    letters: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving() -> Iterator[MailServer]:
    told = MailServer()

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if told.hang_up:
                told.hang_up -= 1
                return
            with contextlib.suppress(OSError):
                while told.greets_for_ever:
                    self.say("220-welcome")
                self.say("220 ready")
            while line := self.rfile.readline().decode().strip():
                command = line.split()[0].upper()
                if command in told.refuse_once:
                    self.say(told.refuse_once.pop(command))
                elif command in told.refuse:
                    self.say(told.refuse[command])
                elif command == "EHLO":
                    self.say("250-here")
                    self.say("250 AUTH PLAIN")
                elif command == "AUTH":
                    told.logins.append(base64.b64decode(line.split()[2]).decode())
                    self.say("235 welcome")
                elif command == "QUIT":
                    return
                elif command == "DATA":
                    self.say("354 go on")
                    told.letters.append(self.letter())
                    self.say("250 taken")
                else:
                    self.say("250 fine")

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def letter(self) -> str:
            lines = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                lines.append(line)
            return "\n".join(lines)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
