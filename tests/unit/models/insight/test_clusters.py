import pickle
import random
from collections import Counter

import pytest

from stream_app.models.insight.clusters import UserClusters

KINDS = {"buyer": (9.0, 200.0), "reader": (0.2, 900.0), "passer-by": (0.1, 20.0)}


def users(count, seed=0):
    """Three kinds of users, half of them passers-by, beside a feature that tells nothing."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.choices(list(KINDS), (1, 1, 2))[0]
        orders, seconds = KINDS[kind]
        x: dict[str, float | str] = {
            "orders": chance.gauss(orders, 0.5),
            "seconds": chance.gauss(seconds, 20),
            "noise": chance.gauss(0, 0.1),
        }
        x["device"] = "phone" if kind == "passer-by" and chance.random() < 0.9 else "desktop"
        if chance.random() < 0.05:
            del x["noise"]
        yield kind, x


def learned(count=1_200, **settings):
    clusters = UserClusters(3, **settings)
    clusters.learn_many([x for _, x in users(count)])
    clusters.learn_waiting()
    return clusters


def test_users_who_are_alike_come_together():
    clusters = learned()
    numbers = clusters.assign([x for _, x in users(600, seed=1)])
    pairs = Counter(zip((kind for kind, _ in users(600, seed=1)), numbers, strict=True))
    assert sum(count for _, count in pairs.most_common(3)) > 0.95 * 600
    assert {kind for (kind, _), _ in pairs.most_common(3)} == set(KINDS)


def test_a_cluster_is_told_apart_by_its_features():
    found = learned().describe(most=2)
    assert [round(cluster.share, 1) for cluster in found] == pytest.approx([0.5, 0.3, 0.2], abs=0.11)
    assert sum(cluster.users for cluster in found) == 1_200
    buyers = next(cluster for cluster in found if cluster.traits[0].feature == "orders")
    trait = buyers.traits[0]
    assert trait.difference > 1.5
    assert trait.inside == pytest.approx(9.0, abs=0.3)
    assert trait.everybody == pytest.approx(2.35, abs=0.4)
    assert all(trait.feature != "noise" for cluster in found for trait in cluster.traits)
    assert all(len(cluster.traits) == 2 for cluster in found)


def test_however_the_users_are_cut_into_calls_or_stopped_the_clusters_are_the_same():
    xs = [x for _, x in users(1_000)]
    whole, cut = UserClusters(3), UserClusters(3)
    whole.learn_many(xs)
    for first in range(0, 1_000, 130):
        cut.learn_many(xs[first : first + 130])
        cut = pickle.loads(pickle.dumps(cut))
    assert cut.describe() == whole.describe()
    assert cut.assign(xs) == whole.assign(xs)


def test_what_is_the_same_for_all_sets_nobody_apart():
    clusters = UserClusters(2, batch=50)
    clusters.learn_many([{"same": 2**0.5 + n * 1e-9, "x": float(n % 2)} for n in range(200)])
    assert [[trait.feature for trait in cluster.traits] for cluster in clusters.describe()] == [["x"], ["x"]]


def test_memory_is_bounded_by_the_sample():
    clusters = learned(2_000, sample=100, batch=50)
    assert clusters.users_seen == 2_000
    assert sum(cluster.users for cluster in clusters.describe()) == 100
    assert clusters._waiting == []


def test_too_few_users_are_in_no_cluster():
    clusters = UserClusters(3)
    clusters.learn_many([{"x": 1.0}, {"x": 2.0}])
    clusters.learn_waiting()
    assert clusters.describe() == []
    assert clusters.assign([{"x": 1.0}]) == [None]


def test_a_feature_that_never_varied_and_one_never_met_do_no_harm():
    clusters = UserClusters(2, batch=20)
    clusters.learn_many([{"same": 1.0, "x": float(n % 2)} for n in range(20)])
    clusters.learn_many([{"same": 500.0, "x": float(n % 2), "new": 9.0} for n in range(20)])
    first, second = clusters.assign([{"same": 1.0, "x": 0.0}, {"same": -9.0, "x": 1.0}])
    assert first != second


def test_between_two_batches_a_cluster_is_told_as_it_was():
    """What is told of a user must not depend on how many others came since, in which calls."""
    clusters = UserClusters(3, batch=200)
    xs = [x for _, x in users(400)]
    clusters.learn_many(xs[:200])
    before = clusters.clusters_of(xs)
    assert {cluster.number for cluster in before} == {0, 1, 2}
    assert [cluster.number for cluster in before] == clusters.assign(xs)
    clusters.learn_many(xs[200:399])
    assert clusters.clusters_of(xs) == before
    clusters.learn_many(xs[399:])
    assert clusters.clusters_of(xs) != before
    assert {cluster.number: cluster for cluster in clusters.describe()} == {
        cluster.number: cluster for cluster in clusters.clusters_of(xs)
    }
