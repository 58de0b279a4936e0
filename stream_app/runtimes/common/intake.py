"""How the runtimes read events: with the cleaner and privacy rules of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from stream_app.intake.cleaning.cleaning import Cleaner, Surroundings
from stream_app.intake.cleaning.search_terms import tokenise
from stream_app.intake.ports import Intake
from stream_app.intake.privacy import Privacy
from stream_app.intake.wire import CallContext
from stream_app.settings.environment import Settings


class ContextCleaner:
    """Interprets the contexts of events."""

    def __init__(self, taxonomy: Path | None = None) -> None:
        self._describe = Cleaner(taxonomy).describe

    def describe(self, context: CallContext) -> Surroundings:
        """The client, and the channel by which the user arrived."""
        page, device, system, browser = context.page, context.device, context.os, context.browser
        campaign = context.campaign
        return self._describe(
            context.user_agent,
            page.url if page is not None else None,
            page.referrer if page is not None else None,
            device.type if device is not None else None,
            system.name if system is not None else None,
            browser.name if browser is not None else None,
            (campaign.source, campaign.medium, campaign.name, None, None) if campaign is not None else None,
        )

    def search_terms(self, query: str) -> tuple[str, ...]:
        """The informative words of a search that are not personal."""
        return tokenise(query)


def build_privacy(settings: Settings, marker_keys: Sequence[bytes] = (b"",)) -> Privacy:
    """The privacy rules of some settings; erased users are marked with keys of their own."""
    return Privacy(
        settings.named_privacy_keys,
        settings.hashed_fields,
        settings.masked_octets,
        marker_keys,
        settings.all_placeholder_ids,
    )


def subject_of(user_id: str, settings: Settings, marker_keys: Sequence[bytes]) -> str:
    """The keyed hash by which receipts and the audit log name a user."""
    privacy = build_privacy(settings, marker_keys)
    return privacy.marker(privacy.user_keys(user_id)[0])


def build_intake(settings: Settings, marker_keys: Sequence[bytes]) -> Intake:
    """Everything needed to read events.

    Raises:
        SettingsError: the taxonomy's file cannot be used.
    """
    return Intake(ContextCleaner(settings.taxonomy_file), build_privacy(settings, marker_keys))


@cache
def plain_intake() -> Intake:
    """The intake for default settings, for replaying history to learn from."""
    return Intake(ContextCleaner(), Privacy())
