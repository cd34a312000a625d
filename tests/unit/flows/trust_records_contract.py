"""What every TrustRecords does; the fixture `records` gives one."""

from datetime import timedelta

from tests.certificates import NOW, Authority

from digikoppelaar.flows.ports.trust import StoredCrl, TrustRecords
from digikoppelaar.pki.crl import Crl, read_crl
from digikoppelaar.pki.expiry import Ending, Expiry, Kind

AUTHORITY = Authority("Records")
URL = "http://crl.example/tsp.crl"


def crl(age: timedelta = timedelta(hours=1)) -> Crl:
    """The TSP's."""
    return read_crl(AUTHORITY.crl(AUTHORITY.tsp, age=age))


class TrustRecordsContract:
    async def test_a_crl_is_kept_by_omgeving_and_source(self, records: TrustRecords) -> None:
        first = crl()
        assert await records.keep_crl("pre", URL, first, NOW)
        assert await records.crls("pre") == [StoredCrl(URL, first, NOW)]
        assert await records.crls("prod") == []

    async def test_an_older_crl_never_replaces_a_newer_one(self, records: TrustRecords) -> None:
        new, old = crl(), crl(timedelta(hours=3))
        later = NOW + timedelta(minutes=1)
        assert await records.keep_crl("pre", URL, new, NOW)
        assert not await records.keep_crl("pre", URL, old, later)
        assert not await records.keep_crl("pre", URL, new, later)
        assert await records.crls("pre") == [StoredCrl(URL, new, later)]

    async def test_a_newer_crl_replaces_an_older_one(self, records: TrustRecords) -> None:
        new, old = crl(), crl(timedelta(hours=3))
        await records.keep_crl("pre", URL, old, NOW)
        assert await records.keep_crl("pre", URL, new, NOW)
        assert await records.crls("pre") == [StoredCrl(URL, new, NOW)]

    async def test_a_failed_attempt_keeps_what_there_is(self, records: TrustRecords) -> None:
        kept, later = crl(), NOW + timedelta(hours=1)
        await records.crl_failed("pre", URL, "no answer", NOW)
        assert await records.crls("pre") == [StoredCrl(URL, None, NOW, "no answer")]
        await records.keep_crl("pre", URL, kept, NOW)
        await records.crl_failed("pre", URL, "answered 500", later)
        assert await records.crls("pre") == [StoredCrl(URL, kept, later, "answered 500")]
        await records.keep_crl("pre", URL, kept, later)
        assert await records.crls("pre") == [StoredCrl(URL, kept, later)]

    async def test_sources_that_are_no_longer_wanted_go(self, records: TrustRecords) -> None:
        for omgeving in ("pre", "prod"):
            await records.keep_crl(omgeving, URL, crl(), NOW)
        await records.keep_crl("pre", "http://crl.example/other.crl", crl(), NOW)
        await records.forget_crls("pre", ["http://crl.example/other.crl"])
        assert [stored.source for stored in await records.crls("pre")] == ["http://crl.example/other.crl"]
        assert [stored.source for stored in await records.crls("prod")] == [URL]

    async def test_an_expiry_is_told_once_at_each_threshold(self, records: TrustRecords) -> None:
        ending = Ending(Kind.CERTIFICATE, "pre", "ab12", "sign", NOW + timedelta(days=59))
        sixty, thirty = Expiry(ending, 60, 59), Expiry(ending, 30, 29)
        assert await records.tell_once(sixty, NOW)
        assert not await records.tell_once(sixty, NOW)
        assert await records.tell_once(thirty, NOW)
