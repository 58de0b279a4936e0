"""The collector's addresses, as declared by tracker forms; several forms may share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream_app.intake.trackers import FORMS, NotJson, TooMany, Unreadable
from stream_app.intake.trackers.declaration import BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.forms import IN_ORDER_OF_ASKING, claims
from stream_app.serving.collector.paths import plain_path
from stream_app.serving.collector.refusals import RefusalReason, RefusedError
from stream_app.settings.environment import Settings


class Address:
    """A method and path with its possible routes, between which the body decides."""

    def __init__(self, routes: Sequence[tuple[TrackerForm, Route]]) -> None:
        # The canonical form claims nothing: it gets what no other form claims.
        order = {form.name: place for place, form in enumerate(IN_ORDER_OF_ASKING)}
        self._routes = sorted(routes, key=lambda route: (route[0].is_canonical, order[route[0].name]))
        kinds = {route.body for _, route in routes}
        self.body = BodyKind.TEXT if len(kinds) > 1 else kinds.pop()

    def read(self, sent: Sent) -> tuple[Route, Reading]:
        """The events of a request, and the route that read them.

        Raises:
            RefusedError: they cannot be read.
        """
        route = self._route_of(sent.body)
        try:
            return route, route.read(sent)
        except TooMany as error:
            raise RefusedError(RefusalReason.TOO_LARGE, f"{error.detail}: send smaller batches") from None
        except NotJson as error:
            raise RefusedError(RefusalReason.BAD_JSON, f"the body is {error.detail}") from None
        except Unreadable as error:
            detail = f"not as its tracker sends it: {error.detail}"
            raise RefusedError(RefusalReason.BAD_FORM, detail) from None

    def _route_of(self, body: bytes) -> Route:
        *others, (_, last) = self._routes
        return next((route for form, route in others if claims(form, body)), last) if others else last


def addresses(settings: Settings) -> Mapping[tuple[str, str], Address]:
    """Every method and path that accepts events."""
    declared: dict[tuple[str, str], list[tuple[TrackerForm, Route]]] = {}
    for form in FORMS.values():
        for route in (*form.routes, *form.starts):
            own = str(getattr(settings, route.path_setting)) if route.path_setting else ""
            for path in dict.fromkeys(plain_path(path) for path in (*route.paths, own) if path):
                declared.setdefault((route.method, path), []).append((form, route))
    return {address: Address(routes) for address, routes in declared.items()}
