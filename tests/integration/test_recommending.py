"""Recommendations over Kafka: the catalogue decides what is shown, and clicks teach every worker alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.kafka_cluster import DEADLINE_SECONDS, Cluster, until

from load_tests.broker import Broker
from stream_app.models.recommenders.exploration import PRIOR_CLICKS
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.app import build_worker
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.models.loaded_models import LoadedModels
from stream_app.runtimes.kafka.models.recommender_publisher import RecommenderPublisher
from stream_app.runtimes.kafka.operate import feeding
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.topics import SESSIONS
from stream_app.testing import START, JsonObject, page

pytestmark = pytest.mark.kafka

AT = datetime.fromtimestamp(START, UTC)
DAY = timedelta(days=1)
CATALOGUE = [
    CatalogueItem(item_id="tea", category="drinks"),
    CatalogueItem(item_id="milk", category="drinks"),
    CatalogueItem(item_id="cup", category="kitchen"),
    CatalogueItem(item_id="gone", category="kitchen", available=False),
    CatalogueItem(item_id="past", category="kitchen", expires_at=AT - DAY),
    CatalogueItem(item_id="soon", category="kitchen", available_at=AT + DAY),
    CatalogueItem(item_id="pen", category="desk", available_at=AT - DAY, expires_at=AT + DAY),
]
ITEMS = [item.item_id for item in CATALOGUE]
LATER = 5 * 3600.0  # seconds after the first sessions, which are over by then


def test_the_catalogue_decides_and_clicks_teach_all_workers_the_same(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(
        broker.bootstrap_servers,
        topic_prefix,
        tmp_path,
        partitions=1,
        recommend_exploration=1.0,
        recommend_per_category=1,
        recommend_count=2,
        recommend_interval=0.0,
        session_timeout=6,
    )
    categories = {item.item_id: item.category for item in CATALOGUE}
    for sent in asyncio.run(_recommend_and_click(cluster)):
        items = [item["item_id"] for item in sent["items"]]
        assert set(items) <= {"tea", "milk", "cup", "pen"}
        assert len({categories[item] for item in items}) == len(items) == 2


async def _recommend_and_click(cluster: Cluster) -> list[JsonObject]:
    """Let one worker learn what goes with what, recommend, and see a click; the lists that it sent."""
    await cluster.create_topics()
    await feeding.send_catalogue(CATALOGUE, cluster.settings)
    worker = LoadedModels(cluster.settings, Metrics())
    app = build_worker(cluster.settings, Metrics(), lambda *_: worker)
    app.finalize()
    await app.start()
    try:
        for number in range(6):
            views = [page(f"u{number}", step * 10, item) for step, item in enumerate(ITEMS)]
            await cluster.produce([(b"u", view) for view in views])
        await cluster.produce([(b"u", page("later", LATER, "tea"))])  # moves the watermark
        learned = worker._recommender
        await until(lambda: learned.stamp().examples_seen == 6, app)

        await cluster.produce([(b"u", page("asker", LATER + 1, "tea"))])
        shown = (await _lists(cluster, "asker"))[0]["items"][-1]
        assert shown["is_explored"]
        await cluster.produce([(b"u", page("asker", LATER + 3, shown["item_id"]))])
        bandit = learned.surface.bandit
        prior_and_click = PRIOR_CLICKS + 1
        await until(lambda: bandit.to_state().rewards[shown["source"]][0] == prior_and_click, app)

        published = 0
        for begins_with in (-1, 8):
            async with LoadedModels(cluster.settings, Metrics()) as late:
                await late.wait_until_caught_up()
                assert late._fed._restored == begins_with
                assert late._recommender.surface.to_state() == learned.surface.to_state()
            published = await _publish(cluster)
        assert published == 8  # six sessions, two explored places and a click
    finally:
        await app.stop()
    return await _lists(cluster)


async def _publish(cluster: Cluster) -> int:
    """Publish the recommender; the offset of the last record of the topic of sessions."""
    settings = cluster.settings.model_copy(update={"recommender_snapshot_interval": 0.1})
    last: int = (await cluster.records(name_of(SESSIONS, settings), [0]))[-1].offset
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    async with (
        BulkProducer(settings) as producer,
        RecommenderPublisher(settings, producer, Metrics(), lambda: True) as publisher,
    ):
        while publisher.published < last:
            assert asyncio.get_running_loop().time() < deadline, "nothing published in time"
            await asyncio.sleep(0.02)
    return last


async def _lists(cluster: Cluster, user: str | None = None) -> list[JsonObject]:
    """The lists sent so far, of a user or of all; waits for the first."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        found = [
            output
            for output in await cluster.outputs()
            if output["schema_name"] == "recommendations" and user in {None, output["user_key"]}
        ]
        if found:
            return found
    raise AssertionError("nothing was recommended in time")
