"""Small files of a verzoek: how they are grouped, and that no more of them are under way than is said."""

import asyncio

import pytest

from digikoppelaar.flows.ports import File, FileKind
from digikoppelaar.flows.small_files import AT_ONCE, SMALL, TOGETHER, groups, side_by_side


def file(number: int) -> File:
    return File(number, FileKind.BIJLAGE, f"d{number}", "a.txt", "text/plain", f"/d/{number}")


def test_files_are_grouped_in_their_order_and_within_the_memory_of_a_group() -> None:
    files = [file(number) for number in range(20)]
    found = list(groups((each, SMALL) for each in files))
    assert [each for group in found for each in group] == files
    assert {len(group) for group in found} == {TOGETHER // SMALL}


def test_nothing_is_no_group_and_one_that_is_too_large_goes_alone() -> None:
    assert list(groups([])) == []
    one, large, other = file(1), file(2), file(3)
    assert list(groups([(one, 1), (large, 2 * TOGETHER), (other, 1)])) == [[one], [large], [other]]


async def test_contents_come_in_the_order_of_the_files_and_a_few_at_once() -> None:
    under_way: list[int] = []
    most = 0

    async def read(each: File) -> bytes:
        nonlocal most
        under_way.append(each.id)
        most = max(most, len(under_way))
        for _ in range(10 - each.id):  # the later ones end first
            await asyncio.sleep(0)
        under_way.remove(each.id)
        return str(each.id).encode()

    assert await side_by_side([file(number) for number in range(9)], read) == [b"%d" % number for number in range(9)]
    assert most == AT_ONCE


async def test_the_first_failure_is_told_as_it_is_and_ends_the_others() -> None:
    cancelled = []

    async def read(each: File) -> bytes:
        if each.id == 1:
            raise LookupError("gone")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(each.id)
        return b""

    with pytest.raises(LookupError, match="gone"):
        await side_by_side([file(0), file(1)], read)
    assert cancelled == [0]
