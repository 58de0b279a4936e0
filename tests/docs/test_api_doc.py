"""docs/api.md has the routes, scopes and problems that the application has."""

import re
from pathlib import Path

from fastapi.routing import APIRoute

from stream_app.serving.api import acts, insights, pushes, recommendations, users
from stream_app.serving.api.keys import ALLOWED, Scope

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
ROUTERS = [users.router, recommendations.router, insights.router, acts.router, pushes.router]


def required_scope(route: APIRoute) -> str:
    cells = [cell for each in route.dependant.dependencies for cell in each.call.__closure__]
    [scope] = [cell.cell_contents for cell in cells if isinstance(cell.cell_contents, Scope)]
    return scope.value


def test_the_table_of_routes_is_that_of_the_application() -> None:
    declared = {
        (f"{method} {route.path_format}", required_scope(route), route.endpoint.__doc__.splitlines()[0])
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    rows = re.findall(r"^\| `((?:GET|POST) /v1/[^`]+)` \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(declared)


def test_every_scope_is_described() -> None:
    section = PAGE.split("| scope | what it opens |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [scope.value for scope in ALLOWED]
