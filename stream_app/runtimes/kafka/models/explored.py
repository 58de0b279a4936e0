"""What exploration learns from, copied to the topic that every worker's recommender reads.

Lists and clicks are spread over many partitions, which no two workers would read in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stream_app.schemas.envelopes import cause_of, envelope, output_id
from stream_app.schemas.outputs import ExploredPlace, Output, RecommendationClick, Recommendations


def explored_places(outputs: Iterable[Output]) -> Iterator[ExploredPlace]:
    """The explored places of sent lists, and of clicks on them."""
    for output in outputs:
        if isinstance(output, Recommendations):
            for item in output.items:
                if item.is_explored:
                    yield _place(output, item.source, is_clicked=False)
        elif isinstance(output, RecommendationClick) and output.is_explored:
            yield _place(output, output.item_source, is_clicked=True)


def _place(output: Recommendations | RecommendationClick, source: str, is_clicked: bool) -> ExploredPlace:
    cause = cause_of(output.source)
    place_id = output_id("explored_place", cause, output.id)
    return ExploredPlace(
        **envelope(place_id, None, output.as_of, output.emitted_at, cause),
        request_id=output.request_id,
        item_source=source,
        is_clicked=is_clicked,
    )
