"""What every LinkStore must do. The twin in memory and the store in PostgreSQL both run these."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports.repair import CaseLink, KeptLink, LinkStore, Who

WHO = Who("een beheerder", NOW)
LINK = CaseLink(1, "2026060200019", "map", "https://zaken.example/1")
OTHER = replace(LINK, verzoeknummer="2026060200020")


async def a_link_is_put_on_record_once_with_who_did_it(store: LinkStore) -> None:
    assert await store.link([LINK], WHO) == [LINK]
    later = replace(WHO, at=NOW + timedelta(hours=1))
    assert await store.link([LINK], later) == []
    assert await store.links() == [KeptLink(LINK, NOW, "een beheerder")]


async def all_are_linked_or_none(store: LinkStore) -> None:
    await store.link([LINK], WHO)
    elsewhere = replace(LINK, case_reference="https://zaken.example/2")
    with pytest.raises(ConfigError, match="linked to another case"):
        await store.link([OTHER, elsewhere], WHO)
    assert [each.link for each in await store.links()] == [LINK]
    assert await store.link([OTHER, elsewhere, LINK], WHO, replace=True) != []


async def a_link_is_replaced_when_that_is_asked(store: LinkStore) -> None:
    await store.link([LINK], WHO)
    elsewhere = replace(LINK, case_reference="https://zaken.example/2")
    assert await store.link([elsewhere], WHO, replace=True) == [elsewhere]
    assert [each.link for each in await store.links()] == [elsewhere]


async def letters_of_a_verzoeknummer_compare_without_case(store: LinkStore) -> None:
    letters = replace(LINK, verzoeknummer="AbC-1")
    await store.link([letters], WHO)
    assert await store.link([replace(letters, verzoeknummer="aBc-1")], WHO) == []
    assert [each.link for each in await store.links(1, "abc-1")] == [letters]


async def links_are_looked_up_by_aansluiting_and_number(store: LinkStore) -> None:
    elsewhere = replace(LINK, aansluiting_id=2)
    await store.link([elsewhere, OTHER, LINK], WHO)
    assert [each.link for each in await store.links()] == [LINK, OTHER, elsewhere]
    assert [each.link for each in await store.links(2)] == [elsewhere]
    assert [each.link for each in await store.links(verzoeknummer=LINK.verzoeknummer)] == [LINK, elsewhere]


async def a_link_is_taken_away_once(store: LinkStore) -> None:
    there = replace(LINK, target="there")
    await store.link([LINK, there, OTHER], WHO)
    assert await store.unlink(1, LINK.verzoeknummer, "there", WHO) == [there]
    assert await store.unlink(1, LINK.verzoeknummer, None, WHO) == [LINK]
    assert await store.unlink(1, LINK.verzoeknummer, None, WHO) == []
    assert [each.link for each in await store.links()] == [OTHER]


CONTRACT = (
    a_link_is_put_on_record_once_with_who_did_it,
    all_are_linked_or_none,
    a_link_is_replaced_when_that_is_asked,
    letters_of_a_verzoeknummer_compare_without_case,
    links_are_looked_up_by_aansluiting_and_number,
    a_link_is_taken_away_once,
)
