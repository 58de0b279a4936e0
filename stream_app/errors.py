"""Errors that end a command, by what the reader can do about them.

StreamAppError
+-- SettingsError       a setting is wrong: exit 2, the sentence says what to write
+-- InputError          a file cannot be read in the named format: exit 2
+-- StateError          the state folder cannot be used: exit 3
|   +-- FolderInUseError  another process fills it
+-- BrokerError         the broker is lost or refuses: exit 4
|   +-- AccessError     the broker denies access: exit 2, the sentence says what to set
+-- StalledError        records wait and none is processed: exit 5
+-- RefusedEventsError  more than a few events of a replay failed: exit 6
+-- NotUnderstoodError  a file holds no recognisable event, or nothing at all: exit 7
+-- BrokenContractError a change to a contract would break who holds to it: exit 8
+-- UnfinishedError     a command was asked to stop before it had finished: exit 143
"""

from __future__ import annotations


class StreamAppError(Exception):
    """Shown to the user as one line; never a traceback."""

    exit_code = 1


class SettingsError(StreamAppError):
    """A setting is unknown or invalid."""

    exit_code = 2


class InputError(StreamAppError):
    """An input cannot be read as the format that was named."""

    exit_code = 2


class StateError(StreamAppError):
    """The state folder is unreadable, of another version or in use."""

    exit_code = 3


class FolderInUseError(StateError):
    """Another process fills the folder."""


class BrokerError(StreamAppError):
    """The broker cannot be reached, refuses, or lost what was sent."""

    exit_code = 4


class AccessError(BrokerError):
    """The broker answers, but a setting for reaching it is wrong."""

    exit_code = 2


class StalledError(StreamAppError):
    """Records have waited for a long time and none was processed."""

    exit_code = 5


class RefusedEventsError(StreamAppError):
    """Everything possible was processed, but more than a few events failed or were late."""

    exit_code = 6


class NotUnderstoodError(StreamAppError):
    """The input was empty, or held no recognisable event."""

    exit_code = 7


class BrokenContractError(StreamAppError):
    """A new contract is not compatible with the old one."""

    exit_code = 8


class UnfinishedError(StreamAppError):
    """The command was asked to stop (SIGTERM) before it was done; the message says how far it got."""

    exit_code = 143
