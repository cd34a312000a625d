"""What every ViewLog does; the fixture `log` gives one."""

from datetime import UTC, datetime, timedelta

from digikoppelaar.flows.views import View, Viewer, ViewerKind, ViewFilter, ViewLog, ViewRow, Way

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
OIN, OTHER = "00000099000000001000", "00000099000000002000"
JAN = Viewer(ViewerKind.OS_USER, "jan")
VERZOEK = View(JAN, Way.VERZOEK_SHOW, "pre", OIN, "2026060200019")
MESSAGE = View(Viewer(ViewerKind.API_KEY, "ab12"), Way.MESSAGE_FETCH, "prod", OTHER, message_id="1@dso.example")


class ViewLogContract:
    async def test_a_view_says_who_saw_what_when_and_how(self, log: ViewLog) -> None:
        await log.record(VERZOEK, NOW)
        assert await log.views(ViewFilter()) == [
            ViewRow(NOW, "os-user", "jan", "verzoek show", "pre", OIN, "2026060200019", None)
        ]

    async def test_each_view_counts_also_the_same_again_and_the_newest_comes_first(self, log: ViewLog) -> None:
        for minute in range(3):
            await log.record(VERZOEK, NOW + timedelta(minutes=minute))
        assert [row.at.minute for row in await log.views(ViewFilter(limit=2))] == [2, 1]

    async def test_views_are_found_by_each_thing_that_is_known_of_them(self, log: ViewLog) -> None:
        await log.record(VERZOEK, NOW)
        await log.record(MESSAGE, NOW)
        for wanted in (
            ViewFilter(omgeving="prod"),
            ViewFilter(organisatie_oin=OTHER),
            ViewFilter(message_id="1@dso.example"),
            ViewFilter(viewer="ab12"),
        ):
            assert [row.way for row in await log.views(wanted)] == ["message fetch"]
        assert [row.viewer for row in await log.views(ViewFilter(verzoeknummer="2026060200019"))] == ["jan"]
        assert await log.views(ViewFilter(verzoeknummer="2026060200020")) == []
