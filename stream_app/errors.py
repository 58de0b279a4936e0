"""Errors that end a command, by what the reader can do about them.

StreamAppError
+-- SettingsError       a setting is wrong: exit 2, the sentence says what to write
+-- InputError          a file cannot be read as what it was said to be: exit 2
+-- StateError          the state folder cannot be used: exit 3
+-- BrokerError         the broker is lost or refuses: exit 4
|   +-- AccessError     the broker does not let us in: exit 2, the sentence says what to set
+-- StalledError        records wait and none is processed: exit 5
+-- RefusedEventsError  of a replay more failed than a few: exit 6
+-- NotUnderstoodError  a file holds no event that is understood, or nothing at all: exit 7
+-- BrokenContractError a change to a contract would break who holds to it: exit 8
+-- UnfinishedError     a command that has an end was asked to stop before it: exit 143
"""

from __future__ import annotations


class StreamAppError(Exception):
    """Shown to the user as one line; never a traceback."""

    exit_code = 1


class SettingsError(StreamAppError):
    """A setting is unknown or senseless."""

    exit_code = 2


class InputError(StreamAppError):
    """An input cannot be read as the format that was named."""

    exit_code = 2


class StateError(StreamAppError):
    """The state folder is unreadable, of another version or in use."""

    exit_code = 3


class BrokerError(StreamAppError):
    """The broker cannot be reached, refuses, or lost what was sent."""

    exit_code = 4


class AccessError(BrokerError):
    """The broker is there, and a setting is wrong with which it is to be reached."""

    exit_code = 2


class StalledError(StreamAppError):
    """Records wait, and for a long time none was processed."""

    exit_code = 5


class RefusedEventsError(StreamAppError):
    """All that could be was processed, and more of the events failed or were late than a few."""

    exit_code = 6


class NotUnderstoodError(StreamAppError):
    """Nothing in the input was understood as an event, or there was nothing in it."""

    exit_code = 7


class BrokenContractError(StreamAppError):
    """A new contract is not compatible with the old one."""

    exit_code = 8


class UnfinishedError(StreamAppError):
    """The command was asked to stop (SIGTERM) before it was done; the sentence says how far it came."""

    exit_code = 143
