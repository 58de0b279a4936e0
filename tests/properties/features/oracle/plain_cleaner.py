"""A cleaner whose answers can be read off an event at sight, so that the oracle can tell them too."""

from typing import NamedTuple

from stream_app.intake.ports import Intake
from stream_app.intake.privacy import Privacy
from stream_app.intake.wire import CallContext


class PlainSurroundings(NamedTuple):
    device: str
    browser: str
    os: str
    is_bot: bool
    referrer_medium: str
    search_terms: tuple[str, ...]
    fields: tuple[str, ...]


class PlainCleaner:
    """Names are taken as they are; a page's title holds search terms, a campaign's name the site's fields."""

    def describe(self, context: CallContext) -> PlainSurroundings:
        page, campaign = context.page, context.campaign
        return PlainSurroundings(
            device=(context.device.type if context.device else None) or "",
            browser=(context.browser.name if context.browser else None) or "",
            os=(context.os.name if context.os else None) or "",
            is_bot=context.user_agent == "bot",
            referrer_medium=(page.referrer if page else None) or "",
            search_terms=tuple(((page.title if page else None) or "").split()),
            fields=tuple(((campaign.name if campaign else None) or "").split()),
        )

    def search_terms(self, query: str) -> tuple[str, ...]:
        return tuple(query.split())


PLAIN_INTAKE = Intake(PlainCleaner(), Privacy())
