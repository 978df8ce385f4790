"""E-mail by a site's own server (RFC 5321)."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any, BinaryIO

from secretsync.config import credentials
from secretsync.config.notify.email import Email
from secretsync.config.notify.message import Message
from secretsync.core.escape import visible
from secretsync.service.notify.http import NotSent

TIMEOUT = 10.0
"""Seconds for each step of the conversation."""

LONGEST_REPLY = 30.0
"""Seconds for one reply, of however many lines."""

MOST_LINES = 200
"""Lines of one reply."""

TRIES = 3
_PAUSE = 1.0
_LOWEST_CODE = 200
_LONGEST_WORD = 200


class _Bounded:
    """Ends a reply of the server's that has no end: a greeting line a second, or as fast as it can, for ever."""

    sock: socket.socket | None
    file: Any

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Lines(self.sock.makefile("rb"))
        timer = threading.Timer(LONGEST_REPLY, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            reply: tuple[int, bytes] = super().getreply()  # type: ignore[misc]  # smtplib.SMTP's
        finally:
            timer.cancel()
        if self.file is not None:
            self.file.left = MOST_LINES
        return reply

    def _hang_up(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _Lines:
    """The lines of a reply, as smtplib reads them, up to a number."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.left = file, MOST_LINES

    def readline(self, limit: int) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise smtplib.SMTPServerDisconnected("its reply has no end")
        return self._file.readline(limit)

    def close(self) -> None:
        self._file.close()


class _Smtp(_Bounded, smtplib.SMTP):
    pass


class _SmtpOverTls(_Bounded, smtplib.SMTP_SSL):
    pass


def send(settings: Email, base: Path, message: Message, text: str) -> None:
    """Raises NotSent, NoCredential."""
    password = credentials.read(settings.password, base, "notify.password") if settings.password else ""
    letter = _letter(settings, message, text)
    for tries_left in reversed(range(TRIES)):
        try:
            refused = _deliver(settings, password, letter)
        except (OSError, smtplib.SMTPException) as error:
            if not tries_left or not _may_pass(error):
                raise NotSent(settings.server, _reason(settings, error)) from None
            time.sleep(_PAUSE)
        else:
            if refused:
                raise NotSent(settings.server, f"took the mail, but not for {', '.join(sorted(refused))}")
            return


def _deliver(settings: Email, password: str, letter: EmailMessage) -> Collection[str]:
    """Send *letter*; the recipients that the server refused. Raises OSError, SMTPException."""
    with _connected(settings) as server:
        if password:
            server.login(settings.username, password)
        return server.send_message(letter)


def _may_pass(error: Exception) -> bool:
    """Whether to try again: the server was away, or said *later* (4xx), as those that greylist do."""
    match error:
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPNotSupportedError() | ssl.SSLCertVerificationError():
            return False
        case smtplib.SMTPSenderRefused():
            return error.smtp_code < 500
        case smtplib.SMTPRecipientsRefused():
            return all(code < 500 for code, _ in error.recipients.values())
        case _:
            return True


def _reason(settings: Email, error: Exception) -> str:
    match error:
        case smtplib.SMTPAuthenticationError():
            return "does not accept the username and password"
        case smtplib.SMTPNotSupportedError() if "SMTPUTF8" in str(error):
            return "takes no address that is not ASCII: write others under from and to"
        case smtplib.SMTPNotSupportedError():
            return f"does not offer what 'encryption: {settings.encryption}' needs"
        case smtplib.SMTPRecipientsRefused() | smtplib.SMTPSenderRefused():
            return f"does not take the mail ({type(error).__name__}): check from and to"
        case smtplib.SMTPResponseException() if error.smtp_code < _LOWEST_CODE:
            return "does not answer as a mail server: check server and port"
        case smtplib.SMTPResponseException():
            words = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
            said = visible(words.decode(errors="replace"))[:_LONGEST_WORD]
            return f"answered {error.smtp_code} ({said}): ask its administrator"
        case ssl.SSLCertVerificationError():
            return "has a certificate that is not trusted"
        case ssl.SSLError():
            return f"does not speak TLS there: check the port, and 'encryption: {settings.encryption}'"
        case _:
            return f"cannot be reached ({type(error).__name__}); check server and port"


@contextlib.contextmanager
def _connected(settings: Email) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if settings.encryption == "tls":
        server: smtplib.SMTP = _SmtpOverTls(settings.server, settings.port, timeout=TIMEOUT, context=context)
    else:
        server = _Smtp(settings.server, settings.port, timeout=TIMEOUT)
    try:
        if settings.encryption == "starttls":
            server.starttls(context=context)
        yield server
    finally:
        # a letter that was taken is not sent again because the good-bye was lost
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()


def _letter(settings: Email, message: Message, text: str) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = f"[{message.installation}] {message.reason}: {message.object} at {message.target}"
    letter["From"], letter["To"] = settings.sender, ", ".join(settings.to)
    letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain=settings.sender.rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text + "\n")
    return letter
