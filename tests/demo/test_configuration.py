"""`config/demo.yml` is what the cast says, and the cast is what the town serves."""

from __future__ import annotations

import pytest

from demo.cast import BRANDS, LINK_RULES, OFFICIAL, PLACE, PLACES, SHOPS, TOUCHES, find_channel
from demo.configuration import TARGET, configuration
from demo.exports import files
from demo.server import HOST, PORT, Ask, Sites
from demo.town import Town
from tingchao.config import Config, load_config


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(TARGET)


def test_the_file_is_not_stale():
    assert TARGET.read_text("utf-8") == configuration(), "run: python -m demo.configuration"


def test_channels_and_brands_are_the_towns(config):
    shops = [shop.id for shop in SHOPS if shop.address is not None]
    assert len(shops) == 2
    assert [c.id for c in config.channels] == [*(place.id for place in PLACES), *shops]
    assert [brand.id for brand in config.brands] == [brand.id for brand in BRANDS]
    assert config.start_date == Town().start_date
    for channel in config.channels:
        assert channel.since == config.start_date


def test_every_configured_site_is_served(config, town):
    sites = Sites(town, int(town.closes_at.timestamp()))
    for source in ("ptt", "feed"):
        assert config.sources[source].base_url == f"http://{HOST}:{PORT}"
        assert config.sources[source].allow_hosts == (f"{HOST}:{PORT}",)
        for channel in config.channels_of(source):
            path = channel.address if source == "feed" else f"/bbs/{channel.address}/index.html"
            page, _, query = path.partition("?")
            answer = sites.answer(Ask(page, query, cookies={"over18": "1"}))
            assert (channel.id, answer.status) == (channel.id, 200)


def test_imports_read_columns_that_the_files_have(config):
    tables = files()
    names = {imported.path.rsplit("/", 1)[-1] for imported in config.imports}
    assert names == set(tables)
    mapped = [imported for imported in config.imports if not imported.is_named]
    assert len(mapped) < len(config.imports)
    for imported in mapped:
        has = set(tables[imported.path.rsplit("/", 1)[-1]].columns)
        wants = {*imported.columns.values(), *imported.handles.values()}
        assert wants <= has, imported.id


def test_official_accounts_are_the_ids_that_pages_show(config, town):
    for channel in config.channels:
        place = PLACE.get(channel.id)
        if place is None:
            assert channel.id in {shop.id for shop in SHOPS}
        elif place.official is not None:
            assert channel.official_accounts == (town.population.native_author(place, OFFICIAL),)


def test_link_rules_name_the_place_they_come_from(config):
    assert {place: find_channel(touch) for place, touch in TOUCHES.items()} == {
        p: p for p in TOUCHES
    }
    assert len(config.attribution.rules) == len(LINK_RULES)
