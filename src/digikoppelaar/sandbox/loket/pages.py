"""The pages of the loket: what is shown, and what a post does.

A verzoek in the making is a draft on our side, so that nothing is lost of what was typed or uploaded: not by a mistake,
not by going back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Ids
from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.dso_lv import DsoLv, Submission
from digikoppelaar.sandbox.loket.drafts import MOST_FILES, Draft, Drafts
from digikoppelaar.sandbox.loket.form import CHECKS, GEEN, INITIEREN, STEPS, Errors
from digikoppelaar.sandbox.loket.typed import inhoud_of, typed_of
from digikoppelaar.sandbox.loket.uploads import Posted, Upload, read_posted, stored
from digikoppelaar.sandbox.loket.words import TITLES
from digikoppelaar.sandbox.model import Soort
from digikoppelaar.sandbox.routing import Toedeling
from digikoppelaar.sandbox.state import Submitted
from digikoppelaar.sandbox.verzoek_document import CONCEPT, STAM_VERSIONS
from digikoppelaar.sandbox.wishes import submit_wish
from digikoppelaar.stam.codes import TYPES

ROWS: Final = 50
"""Verzoeken on a page of the list."""

_LAST: Final = "controle"


@dataclass(frozen=True, slots=True)
class Pages:
    """Every page over one DSO-LV; `uploads` is the folder for files, `limit` the bytes of one post."""

    dso: DsoLv
    drafts: Drafts
    ids: Ids
    templates: Environment
    uploads: Path
    limit: int

    # --- Verzoeken ---------------------------------------------------------------------------------------

    async def start(self, request: Request) -> Response:
        """The list, the newest first."""
        verzoeken = list(reversed(self.dso.state.verzoeken.values()))
        asked = request.query_params.get("pagina", "1")
        page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
        start = max(0, page - 1) * ROWS
        rows = verzoeken[start : start + ROWS]
        older = page + 1 if start + ROWS < len(verzoeken) else None
        return self.html(request, "start.html", rows=rows, total=len(verzoeken), older=older, soorten=Soort)

    async def verzoek(self, request: Request) -> Response:
        """One verzoek: what became of it so far; after a submission the confirmation."""
        verzoek = self._verzoek(request)
        new = request.query_params.get("nieuw") is not None
        return self.html(request, "verzoek.html", verzoek=verzoek, new=new, progress=self.dso.progress)

    async def supplement(self, request: Request) -> Response:
        """Begin an aanvulling: a draft with everything of the version before."""
        verzoek = self._open(request)
        before = verzoek.current
        draft = self.drafts.new()
        draft.supplements, draft.before = verzoek.verzoeknummer, before.inhoud
        draft.typed, draft.bijlagen = typed_of(before.inhoud), list(before.bijlagen)
        return _see(f"/concepten/{draft.id}/wat")

    async def ask_withdrawal(self, request: Request) -> Response:
        """Ask whether the verzoek is really to be withdrawn."""
        return self.html(request, "intrekken.html", verzoek=self._open(request))

    async def withdraw(self, request: Request) -> Response:
        """Withdraw it."""
        verzoek, posted = self._open(request), await read_posted(request)
        by_notification = posted.typed.get("wijze") == ["notificatie"]
        await self.dso.withdraw(verzoek.verzoeknummer, by_notification=by_notification)
        return _see(f"/verzoeken/{verzoek.verzoeknummer}")

    # --- Drafts ------------------------------------------------------------------------------------------

    async def begin(self, request: Request) -> Response:
        """A new draft: empty, or an invented example to go on with."""
        posted, draft = await read_posted(request), self.drafts.new()
        example = posted.typed.get("voorbeeld", [""])[0]
        if example in [soort.value for soort in Soort]:
            submission = await self.dso.invent(submit_wish({"soort": example}))
            draft.typed = typed_of(submission.inhoud)
        else:
            draft.typed = {"doel": [INITIEREN], "i-soort": ["persoon"], "g-soort": [GEEN]}
        return _see(f"/concepten/{draft.id}/wat")

    async def step(self, request: Request) -> Response:
        """A step with what was typed so far."""
        draft, step = self._draft(request)
        if step == _LAST:
            wrong = draft.first_wrong()
            return _see(f"/concepten/{draft.id}/{wrong}") if wrong else self._control(request, draft, {})
        return self._step(request, draft, step, {})

    async def fill_in(self, request: Request) -> Response:
        """Take over a step; on to the next one when nothing is wrong with it."""
        draft, step = self._draft(request)
        posted = await read_posted(request, self.limit)
        draft.take(step, {name: texts for name, texts in posted.typed.items() if name not in ("actie", "weg")})
        if step == _LAST:
            return await self._submit(request, draft)
        errors = CHECKS[step](draft.form)
        if step == "vragen":
            draft.remove(posted.typed.get("weg", []))
            errors = await self._keep(draft, posted)
        if errors:
            return self._step(request, draft, step, errors)
        steps = (*STEPS, _LAST)
        at = steps.index(step) + {"terug": -1, "blijf": 0}.get(posted.typed.get("actie", [""])[0], 1)
        return _see(f"/concepten/{draft.id}/{steps[max(0, at)]}")

    async def _keep(self, draft: Draft, posted: Posted) -> Errors:
        """Store what was uploaded with the draft."""
        if len(draft.bijlagen) + len(posted.uploads) > MOST_FILES:
            return {"bestand": f"Een verzoek kan hier niet meer dan {MOST_FILES} bijlagen hebben."}
        titels = self._asked(draft)
        draft.add(await stored([self._placed(upload, titels) for upload in posted.uploads]))
        return {}

    def _placed(self, upload: Upload, titels: list[str]) -> tuple[Upload, Path, str, str, bool]:
        number = upload.name.removeprefix("bestand-")
        asked = dict(enumerate(titels)).get(int(number)) if re.fullmatch(r"[0-9]{1,4}", number) else None
        document_id = self.ids.unique()
        return upload, self.uploads / document_id, document_id, asked or "Bijlage", asked is not None

    async def _submit(self, request: Request, draft: Draft) -> Response:
        if wrong := draft.first_wrong():
            return _see(f"/concepten/{draft.id}/{wrong}")
        try:
            nummer = await self._taken(draft)
        except ConfigError as error:
            return self._control(request, draft, {"indienen_bij": error.advice})
        self.drafts.submitted(draft)
        return _see(f"/verzoeken/{nummer}?nieuw")

    async def _taken(self, draft: Draft) -> str:
        """Hand the draft over to DSO-LV; the verzoeknummer."""
        if draft.supplements:
            had = {each.document_id for each in draft.bijlagen} - draft.uploaded
            added = [each for each in draft.bijlagen if each.document_id in draft.uploaded]
            inhoud = inhoud_of(draft.form, draft.before)
            return (await self.dso.supplement(draft.supplements, inhoud, added, had)).verzoeknummer
        return (await self.dso.submit(self._submission(draft)))[0].verzoeknummer

    def _submission(self, draft: Draft) -> Submission:
        form = draft.form
        stam = next((version for version in STAM_VERSIONS if str(version) == form.one("stam")), STAM_VERSIONS[-1])
        return Submission(inhoud_of(form), tuple(draft.bijlagen), form.one("indienen_bij") or None, stam)

    def _step(self, request: Request, draft: Draft, step: str, errors: Errors) -> Response:
        return self.html(
            request,
            f"{step}.html",
            422 if errors else 200,
            draft=draft,
            form=draft.form,
            step=step,
            errors=errors,
            types=TYPES,
            doelen=((INITIEREN, "Definitief verzoek"), (CONCEPT, "Conceptverzoek (vooroverleg)")),
            keuzes=list(catalogue().values()),
            asked=self._asked(draft),
        )

    def _control(self, request: Request, draft: Draft, errors: Errors) -> Response:
        """The last step: everything once more, and who gets it."""
        trouble = dict(errors)
        routed: tuple[Toedeling, ...] = ()
        if not draft.supplements:
            try:
                routed = self.dso.routed(self._submission(draft))
            except ConfigError as error:
                trouble.setdefault("indienen_bij", error.advice)
        return self.html(
            request,
            "controle.html",
            422 if errors else 200,
            draft=draft,
            form=draft.form,
            inhoud=inhoud_of(draft.form, draft.before),
            step=_LAST,
            errors=trouble,
            routed=routed,
            organisaties=self.dso.state.organisaties.values(),
            versions=STAM_VERSIONS,
        )

    def _asked(self, draft: Draft) -> list[str]:
        return list(dict.fromkeys(chain.from_iterable(keuze.bijlagen for keuze in draft.form.chosen())))

    # --- Shared ------------------------------------------------------------------------------------------

    def html(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page; `values` are what its template shows."""
        shown: Mapping[str, object] = {"path": request.url.path, "steps": TITLES, "errors": {}, **values}
        return HTMLResponse(self.templates.get_template(template).render(shown), status)

    def _verzoek(self, request: Request) -> Submitted:
        found = self.dso.state.verzoeken.get(request.path_params["nummer"])
        if found is None:
            raise HTTPException(404)
        return found

    def _open(self, request: Request) -> Submitted:
        """A verzoek that may still change."""
        found = self._verzoek(request)
        if found.withdrawn:
            raise HTTPException(409)
        return found

    def _draft(self, request: Request) -> tuple[Draft, str]:
        draft, step = self.drafts.get(request.path_params["draft"]), request.path_params["step"]
        if draft is None or step not in TITLES:
            raise HTTPException(404)
        return draft, step


def _see(address: str) -> Response:
    """Go on there with GET, so that reloading a page submits nothing again."""
    return RedirectResponse(address, 303)
