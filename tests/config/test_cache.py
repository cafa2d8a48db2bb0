"""The Redis cache, which fails open while Redis is away."""

import logging

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from config import cache as cache_module
from config.cache import FailOpenRedisCache

AWAY = "redis://127.0.0.1:9/0"


@pytest.fixture
def cache(monkeypatch) -> FailOpenRedisCache:
    found = FailOpenRedisCache(AWAY, {})
    found.now = 0.0
    monkeypatch.setattr(found, "clock", lambda: found.now)
    return found


def test_every_operation_behaves_like_an_empty_cache(cache):
    assert cache.add("a", 1) is True
    assert cache.get("a", "nothing") == "nothing"
    assert cache.get_many(["a"]) == {}
    assert cache.get_or_set("a", lambda: 7) == 7
    assert cache.incr("a") == 1
    assert (cache.delete("a"), cache.touch("a"), cache.has_key("a")) == (False, False, False)  # noqa: W601
    cache.set("a", 1)
    cache.set_many({"a": 1})
    cache.delete_many(["a"])
    cache.clear()


def test_outage_is_tried_again_after_a_pause_and_logged_once_a_minute(cache, caplog, monkeypatch):
    tried = []

    def fail(*args, **options):
        tried.append(cache.now)
        raise RedisConnectionError

    monkeypatch.setattr(cache._class, "get", fail)
    caplog.set_level(logging.WARNING, logger=cache_module.__name__)

    for cache.now in range(65):
        cache.get("a")

    assert tried == list(range(0, 65, 5))
    assert len(caplog.records) == 2


def test_cache_works_with_redis(redis_url):
    cache = FailOpenRedisCache(redis_url, {})

    cache.set("here", 5)

    assert (cache.get("here"), cache.incr("here")) == (5, 6)
